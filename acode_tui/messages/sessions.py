"""What the thread that reads sessions, and their tree, tell the screen; loaded when it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

from collector import Run

if TYPE_CHECKING:
    from acode_tui.window.sessions import Key, Place
    from collector.model.session import AgentInstance, Session


class WantedRuns(NamedTuple):
    """Pages of the runs of one place; `instances` are all that its session has."""

    instances: tuple[str, ...]
    pages: tuple[int, ...]


@dataclass(eq=False, repr=False)
class Wanted:
    """What to read: single sessions, what is below sessions, pages of runs."""

    sessions: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    runs: Mapping[Place, WantedRuns] = field(default_factory=dict)


class FoundBranch(NamedTuple):
    """The agents of a session, and how many runs each has."""

    instances: Sequence[AgentInstance]
    counts: Mapping[str, int]


class FoundRuns(NamedTuple):
    """How many runs a place has, and some pages of them, the oldest first."""

    total: int
    pages: Mapping[int, Sequence[Run]]


@dataclass(eq=False, repr=False, match_args=False)
class SessionsListed(Message):
    """Sessions of a filter: from its beginning, or the next ones. `total` is None where nobody counted."""

    token: int
    sessions: Sequence[Session]
    next_cursor: str | None
    total: int | None
    is_more: bool


@dataclass(eq=False, repr=False, match_args=False)
class BranchesRead(Message):
    """What was wanted; None for a session that is gone. `is_refresh` is what the screen asked it as."""

    token: int
    sessions: Mapping[str, Session | None]
    branches: Mapping[str, FoundBranch]
    runs: Mapping[Place, FoundRuns]
    seconds: float
    is_refresh: bool


@dataclass(eq=False, repr=False, match_args=False)
class NodeMoved(Message):
    """Another node is under the cursor, or something else is known of it."""

    key: Key | None
    by_itself: bool = False


@dataclass(eq=False, repr=False, match_args=False)
class NodeChosen(Message):
    """A node was clicked twice, or its mark once."""

    key: Key


@dataclass(eq=False, repr=False, match_args=False)
class LinesSeen(Message):
    """Other lines are on the screen now."""
