"""What the thread that counts values tells: facets, values to complete, saved filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.message import Message

Counts = Mapping[str, int]


@dataclass(eq=False, repr=False, match_args=False)
class FacetsRead(Message):
    """How many runs have each value of some fields; None for a field that would take too long.

    `seconds` is what all fields together cost, once `is_last` is set.
    """

    token: int
    counts: Mapping[str, Counts | None]
    is_last: bool = False
    seconds: float = 0.0


@dataclass(eq=False, repr=False, match_args=False)
class ValuesRead(Message):
    """The values of a field in the whole store."""

    field: str
    values: Counts


@dataclass(eq=False, repr=False, match_args=False)
class SavedRead(Message):
    """The saved filters, by name."""

    saved: Mapping[str, str]


@dataclass(eq=False, repr=False, match_args=False)
class SavedChanged(Message):
    """A filter was saved or removed on the user's request; `problem` says why not."""

    text: str
    problem: str = ""


# From the widgets.


@dataclass(eq=False, repr=False, match_args=False)
class FacetChosen(Message):
    """The line under the cursor of the filter pane was chosen; `exclude` leaves its value out."""

    exclude: bool = False
