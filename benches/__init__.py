"""Measurements for docs/numbers.md: each module prints its figures, none passes or fails."""
