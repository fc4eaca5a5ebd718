"""What the screen of the search is told by its thread and its list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from acode_tui.render.hits import HitRow
from collector import Hit


@dataclass(eq=False, repr=False, match_args=False)
class HitsFound(Message):
    """Some more lines were found; none of them is far from the one before."""

    token: int
    hits: Sequence[Hit]


@dataclass(eq=False, repr=False, match_args=False)
class SearchEnded(Message):
    """The search is over: all of it, or as much as there was time or room for; `note` says which."""

    token: int
    note: str = ""
    problem: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class HitMoved(Message):
    """The cursor is on another line."""

    row: HitRow


@dataclass(eq=False, repr=False, match_args=False)
class HitOpened(Message):
    """A line was chosen with the mouse."""
