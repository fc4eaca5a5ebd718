"""Finds out why a run failed, for the preview: the one place that decides how much is read for it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from acode_tui.keymap import TESTS
from acode_tui.render.found import failed_tests
from acode_tui.render.why import MOST, explanation_lines, failed_case_lines
from acode_tui.source.open import Unreadable, open_entry
from acode_tui.source.reports import read_tests
from acode_tui.source.runs import list_files
from acode_tui.window.json_tree import Broken
from collector import AcodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acode_tui.render.ansi import Styled
    from acode_tui.source.desk import Stores
    from collector import Run

MAX_READ = 1 << 20
"""Of a run with more output or test results only the failed tests are told: the next preview waits."""


_DAMAGED = (ValueError, TypeError, AttributeError, KeyError)


def why_lines(run: Run, stores: Stores) -> Sequence[Styled]:
    """Return why a run failed; nothing where the end of the output tells most.

    Raises:
        AcodeError: the database cannot be read.
    """
    reports = [artifact.size_bytes for artifact in run.artifacts if artifact.path == "test-results.json"]
    if run.output_bytes + sum(reports) <= MAX_READ:
        from collector import explain

        try:
            return explanation_lines(explain(run, stores))
        except _DAMAGED:
            return ()  # whoever opens the file is told
    return _failed_tests(run, stores) if failed_tests(run.summary) else ()


def _failed_tests(run: Run, stores: Stores) -> Sequence[Styled]:
    for entry in list_files(run, stores):
        if entry.view != TESTS:
            continue
        try:
            content = open_entry(entry, stores)
            try:
                report = read_tests(entry, content)
            finally:
                content.close()
        except (Unreadable, Broken, OSError, AcodeError):
            return ()  # whoever opens it is told
        failed = (case for suite in report.suites for case in suite.cases if case.is_failed)
        return failed_case_lines(islice(failed, MOST))
    return ()
