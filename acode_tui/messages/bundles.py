"""What the threads tell the dialogs that export and import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.message import Message

from acode_tui.values import NamedTuple
from collector import BundleReport, Estimate, ExportReport, ImportReport, Run


class Secrets(NamedTuple):
    """How many secrets were found in runs when they were recorded, and in how many nobody looked."""

    found: int
    unseen_runs: int


@dataclass(eq=False, repr=False, match_args=False)
class RunsChosen(Message):
    """The runs that would be exported; `is_cut` when there are more than fit into one bundle."""

    token: int
    runs: Sequence[Run]
    is_cut: bool


@dataclass(eq=False, repr=False, match_args=False)
class Estimated(Message):
    """What would be exported, and what is known of the secrets in it."""

    token: int
    estimate: Estimate
    secrets: Secrets


@dataclass(eq=False, repr=False, match_args=False)
class Exported(Message):
    """What was written."""

    report: ExportReport


@dataclass(eq=False, repr=False, match_args=False)
class Verified(Message):
    """What was found out about a bundle, and what importing it would do; None where it cannot be."""

    token: int
    bundle: BundleReport
    preview: ImportReport | None
    problem: str = ""


@dataclass(eq=False, repr=False, match_args=False)
class Imported(Message):
    """What was imported."""

    report: ImportReport
