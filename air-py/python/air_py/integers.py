"""Whole numbers at the border of the engine.

The engine's fields are 32- and 64-bit integers. A float that happens to be whole (``3000.0``) is what careful
arithmetic often yields and is accepted; a fraction, a NaN or a number out of range is a caller's mistake and is
refused here, by the field's name, before anything has happened.
"""

from __future__ import annotations

import operator
from typing import SupportsIndex

__all__ = ["int32", "int64", "whole"]


def whole(name: str, value: SupportsIndex | float, low: int, high: int) -> int:
    """``value`` as an int within ``low..high``.

    :raises TypeError: ``value`` is no number.
    :raises ValueError: it is a fraction, not finite, or out of range.
    """
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"{name} must be a whole number, not {value!r}")
        number = int(value)
    else:
        try:
            number = operator.index(value)
        except TypeError:
            raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} must be between {low} and {high}, not {number}")
    return number


def int32(name: str, value: SupportsIndex | float) -> int:
    """``value`` as a signed 32-bit integer; see :func:`whole`."""
    return whole(name, value, -(2**31), 2**31 - 1)


def int64(name: str, value: SupportsIndex | float) -> int:
    """``value`` as a signed 64-bit integer; see :func:`whole`."""
    return whole(name, value, -(2**63), 2**63 - 1)
