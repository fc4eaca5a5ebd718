"""How runs differ from each other: two in detail, or several side by side. All are frozen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

INCIDENTAL = frozenset({"duration_ms", "cpu_ms", "max_rss_bytes", "output_bytes"})
"""What differs between any two runs, and makes no difference."""
STATES = ("equal", "alike", "changed", "added", "removed", "binary", "unreadable")
"""What a file can be: `alike` differs only in what differs every time, `binary` is not shown in lines."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of the record (`status`, `environment.PATH`, `tests.failed` …); None where it is missing."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class TestChange:
    """A test whose outcome changed; None where the run has no such test."""

    __test__ = False  # pytest: no tests in here

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines `before` to before `before_end` (counted from 0) became `after` to before `after_end`."""

    before: int
    before_end: int
    after: int
    after_end: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """How one file differs: one of `STATES`, how many lines came and went, and where.

    `is_partial` says that only the beginning was compared, because there are too many lines.
    """

    path: str
    state: str
    added: int = 0
    removed: int = 0
    ranges: tuple[LineRange, ...] = ()
    is_partial: bool = False

    @property
    def is_different(self) -> bool:
        """Whether it makes a difference."""
        return self.state not in ("equal", "alike")


@dataclass(frozen=True, slots=True)
class RunDifference:
    """What differs between two runs. `problems` say what could not be read, one line each."""

    before: str
    after: str
    fields: tuple[FieldChange, ...] = ()
    tests: tuple[TestChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_different(self) -> bool:
        """Whether anything differs but what differs between any two runs."""
        fields = any(change.name not in INCIDENTAL for change in self.fields)
        return fields or bool(self.tests) or any(file.is_different for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {**asdict(self), "is_different": self.is_different}


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """A run among those that are compared."""

    run_id: str
    name: str
    status: str
    start_time: int


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One test, metric or file over all runs, oldest first; None where a run tells nothing of it.

    `changed` says for each run whether the value is another than that of the last run before it that has one.
    """

    name: str
    values: tuple[str | int | float | None, ...]
    changed: tuple[bool, ...]

    @property
    def is_changed(self) -> bool:
        """Whether it changed at all."""
        return any(self.changed)


@dataclass(frozen=True, slots=True)
class RunMatrix:
    """Several runs side by side, oldest first."""

    by: str
    columns: tuple[MatrixColumn, ...] = ()
    rows: tuple[MatrixRow, ...] = ()
    problems: tuple[str, ...] = ()
