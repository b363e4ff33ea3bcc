"""Schedules: what a channel airs when, by the clock on the wall. The engine knows nothing of them."""

from .airing import Airing, Schedule

__all__ = ["Airing", "Schedule"]
