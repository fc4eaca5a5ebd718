"""What the threads tell the dialogs that delete and bring back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.message import Message

from collector import CleanupPlan, CleanupReport, Trashed


@dataclass(eq=False, repr=False, match_args=False)
class Progressed(Message):
    """How far some work is: so many of so many, whatever they are."""

    done: int
    total: int


@dataclass(eq=False, repr=False, match_args=False)
class WorkFailed(Message):
    """Some work ended without a result; `text` says why. `token` is that of what was asked for."""

    text: str
    token: int = 0


@dataclass(eq=False, repr=False, match_args=False)
class WorkStopped(Message):
    """Some work was stopped by the user before it had a result."""


@dataclass(eq=False, repr=False, match_args=False)
class Planned(Message):
    """What a cleanup would delete."""

    token: int
    plan: CleanupPlan


@dataclass(eq=False, repr=False, match_args=False)
class CleanedUp(Message):
    """What a cleanup has deleted."""

    report: CleanupReport


@dataclass(eq=False, repr=False, match_args=False)
class TrashRead(Message):
    """What can come back, the last deleted first."""

    runs: Sequence[Trashed]


@dataclass(eq=False, repr=False, match_args=False)
class BroughtBack(Message):
    """Which runs came back from the trash, by name, and why the next one did not."""

    names: Sequence[str]
    problem: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class Collected(Message):
    """What came of collecting a team, as `collect_team_artifacts` says it."""

    found: Mapping[str, Any]
