"""What the thread that reads test results, coverage, log entries and JSON tells the screen of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from acode_tui.window.entries import Batch
from acode_tui.window.listing import Listing, Path


@dataclass(eq=False, repr=False, match_args=False)
class ListingRead(Message):
    """A file as what it holds; `problem` says why it is shown otherwise than was asked for."""

    token: int
    listing: Listing
    problem: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class ListingFailed(Message):
    """A file does not hold what it should; `line` (from 1, or 0) is where it breaks."""

    token: int
    problem: str
    line: int = 0


@dataclass(eq=False, repr=False, match_args=False)
class EntriesRead(Message):
    """More log entries of the listing that was told of before."""

    token: int
    batch: Batch
    is_complete: bool


@dataclass(eq=False, repr=False, match_args=False)
class ListingSearched(Message):
    """The lines of a listing that hold a text, and which of them is the first from the cursor on."""

    token: int
    needle: str
    hits: Sequence[Path]
    number: int


@dataclass(eq=False, repr=False, match_args=False)
class PrintedFound(Message):
    """The line of the output in which a failure was printed; None when it is not in it."""

    token: int
    line: int | None


@dataclass(eq=False, repr=False, match_args=False)
class SourceLocated(Message):
    """Where a source file is that a report names, if it is there; and what for that was asked."""

    file: str
    path: str | None
    size: int
    line: int | None
    purpose: str


@dataclass(eq=False, repr=False, match_args=False)
class LineChosen(Message):
    """The cursor of a listing has moved, or the line under it was opened with the mouse."""

    is_opened: bool
