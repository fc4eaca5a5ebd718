"""What the threads and the widgets tell the screens: small values in the past tense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from textual.message import Message

from acode_tui.keymap import TEXT
from acode_tui.render.ansi import Styled
from collector import CollectorStatus, Outline, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector import Alert

# Only `__init__` is generated: comparing and printing them is never needed, and the rest would cost the
# start 10 ms.

# From the threads. `token` names the question that is answered; a screen ignores answers to old ones.


@dataclass(eq=False, repr=False, match_args=False)
class StoreOpened(Message):
    """There is a database now, for the first time or again."""


@dataclass(eq=False, repr=False, match_args=False)
class StoreFailed(Message):
    """The database is not there or cannot be read; `is_missing` tells the first from the second."""

    text: str
    is_missing: bool


@dataclass(eq=False, repr=False, match_args=False)
class FilterFailed(Message):
    """What was typed is not a filter; `place` is where in it."""

    token: int
    message: str
    hint: str
    place: tuple[int, int] | None = None


@dataclass(eq=False, repr=False, match_args=False)
class FirstRowsRead(Message):
    """The beginning of a result; its length is not known yet.

    One that is not complete is what was found in the first seconds.
    """

    token: int
    rows: Sequence[Run]
    has_more: bool
    is_complete: bool = True


@dataclass(eq=False, repr=False, match_args=False)
class ResultStopped(Message):
    """The rest of a result would take too long; so long it was looked for."""

    token: int
    seconds: float


@dataclass(eq=False, repr=False, match_args=False)
class ResultOutlined(Message):
    """A whole result: its shape, the pages around what was looked at, and where that is now."""

    token: int
    outline: Outline
    pages: Mapping[int, Sequence[Run]]
    anchor: int | None


@dataclass(eq=False, repr=False, match_args=False)
class PageRead(Message):
    """One page of a result."""

    token: int
    number: int
    rows: Sequence[Run]


@dataclass(eq=False, repr=False, match_args=False)
class RunsChanged(Message):
    """Runs were written or deleted, or something was learned of them; so was of `sessions`.

    `fitting` are those runs in the current result.
    """

    token: int
    runs: Mapping[int, Run]
    fitting: frozenset[int]
    deleted: frozenset[int]
    sessions: frozenset[str] = frozenset()
    too_many: bool = False


@dataclass(eq=False, repr=False, match_args=False)
class NamesRead(Message):
    """What subagents are called, by session and instance."""

    names: Mapping[tuple[str, str], str]


@dataclass(eq=False, repr=False, match_args=False)
class PreviewRead(Message):
    """A run and the end of its output; of a failed one, why it did, as far as that is known."""

    run: Run
    stream: str
    lines: Sequence[Styled]
    size: int
    note: str = ""
    why: Sequence[Styled] = ()


@dataclass(eq=False, repr=False, match_args=False)
class RunRead(Message):
    """A newer state of the run that is open, with the files it has."""

    run: Run
    files: Sequence[FileEntry]


@dataclass(eq=False, repr=False, match_args=False)
class RunDeleted(Message):
    """A run was deleted on the user's request; `problem` says why not."""

    name: str
    problem: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class CollectorSeen(Message):
    """How the collector is doing, None when that could not be found out; and what it warns of."""

    status: CollectorStatus | None
    problem: str = ""
    alerts: Sequence[Alert] = ()


@dataclass(eq=False, repr=False, match_args=False)
class Told(Message):
    """Something to say in passing, such as the end of what went on without its dialog."""

    text: str
    is_problem: bool = False


# From the threads that read files.


@dataclass(frozen=True)
class FileEntry:
    """One file of a run that can be opened; an interleaved one is both streams of the folder `path`.

    `view` says as what it is shown, `note` stands in place of its size.
    """

    title: str
    type: str
    path: str
    size: int
    artifact_id: str | None = None
    problem: str = ""
    is_interleaved: bool = False
    view: str = TEXT
    note: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class FileOpened(Message):
    """A file can be read now."""

    token: int
    kind: str
    size: int


@dataclass(eq=False, repr=False, match_args=False)
class FileFailed(Message):
    """A file cannot be read."""

    token: int
    problem: str


@dataclass(eq=False, repr=False, match_args=False)
class FileCounted(Message):
    """How many lines a file has, as far as is known; `tail` are its last ones until all are counted."""

    token: int
    lines: int
    is_exact: bool
    size: int
    tail: Sequence[Styled] = field(default_factory=tuple)


@dataclass(eq=False, repr=False, match_args=False)
class LinesRead(Message):
    """A block of lines.

    `is_final` is False for lines whose colours are still to come, `is_whole` for a block at the end of
    what had been counted so far.
    """

    token: int
    block: int
    lines: Sequence[Styled]
    is_final: bool = True
    is_whole: bool = True


@dataclass(eq=False, repr=False, match_args=False)
class SearchMoved(Message):
    """How far a search has come, and the hit that was asked for, if there is one."""

    token: int
    needle: str
    total: int
    is_complete: bool
    line: int | None = None
    column: int = 0
    number: int = 0


@dataclass(eq=False, repr=False, match_args=False)
class ErrorFound(Message):
    """The next line that tells of a failure; None when there is none in that direction."""

    token: int
    line: int | None


# From the screens and the widgets.


@dataclass(eq=False, repr=False, match_args=False)
class FilterChanged(Message):
    """Something else is in the filter line; `is_typed` unless it was put there."""

    is_typed: bool = True


@dataclass(eq=False, repr=False, match_args=False)
class ScreenSettled(Message):
    """A screen is laid out and can take keys."""


@dataclass(eq=False, repr=False, match_args=False)
class CursorMoved(Message):
    """Another run is under the cursor, because of a key or because it came by itself."""

    index: int
    run: Run | None
    by_itself: bool = False


@dataclass(eq=False, repr=False, match_args=False)
class RowOpened(Message):
    """A row was chosen with the mouse."""

    run: Run


@dataclass(eq=False, repr=False, match_args=False)
class PagesNeeded(Message):
    """The table shows rows that it does not have."""

    numbers: Sequence[int]


@dataclass(eq=False, repr=False, match_args=False)
class BlocksNeeded(Message):
    """The viewer shows lines that it does not have."""

    numbers: Sequence[int]


@dataclass(eq=False, repr=False, match_args=False)
class FileChosen(Message):
    """Another file of the run was chosen."""

    index: int
