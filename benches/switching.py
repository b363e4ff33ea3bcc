"""`python -m benches.switching [N]`: 200 switches at random phases, and as many at ordered times, under load."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.e2e.recording import Course
from tests.e2e.switching import Cut, switch_at_boundaries, switch_at_random

PROCESSES = 2
"""Others that want a processor each, at nice 5."""


def main() -> None:
    """Print how late the cuts were, and what was seen."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.ts"
        report("ticks from the reply to the first new picture", switch_at_random(out, count, PROCESSES))
        out.unlink()
        report("ticks from the ordered time to the cut", switch_at_boundaries(out, count, PROCESSES))


def report(delay: str, cuts: list[tuple[Cut, Course]]) -> None:
    """The cuts in a few lines."""
    print(f"{len(cuts)} cuts, {delay}: {dict(sorted(Counter(cut.delay for cut, _ in cuts).items()))}")
    courses = [course for _, course in cuts]
    print(f"  pictures of another part or out of order: {sum(len(course.wrong) for course in courses)}")
    frozen = [course.frozen for course in courses]
    print(f"  black: {sum(course.black for course in courses)}; frozen: {sum(frozen)}, at most {max(frozen)} in a part")


if __name__ == "__main__":
    main()
