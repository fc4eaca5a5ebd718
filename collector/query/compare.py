"""Two runs in detail: their records, tests and files. What cannot be read is said.

Output is compared by lines in which times, durations, ids, addresses, temporary paths and process ids have
been made alike, unless it is asked for exactly. What is shown are always the lines as they were.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from collector.errors import NotFoundError
from collector.extract.differences import normalized
from collector.extract.text import iter_lines
from collector.model.artifact import Artifact
from collector.model.comparison import FieldChange, FileChange, RunDifference, TestChange
from collector.model.results import TestReport
from collector.model.run import Run
from collector.query.line_diff import MAX_LINES, changed_ranges, unified_lines
from collector.query.run_files import RunFiles, case_name
from collector.store.protocols import ArtifactStore
from collector.suggest import did_you_mean

OUTPUT = ("stdout", "stderr")
"""What two runs are compared by unless something else is asked for."""

_FIELDS = (
    "command_line", "working_directory", "task", "type", "context", "status", "exit_code", "signal",
    "duration_ms", "cpu_ms", "max_rss_bytes", "error_code", "error_message", "host", "agent",
    "agent_version", "model", "tool",
)  # fmt: skip
_IDENTITIES = frozenset({"ACODE_RUN_ID", "ACODE_SESSION_ID", "ACODE_INSTANCE_ID"})
_TOLD = ("stdout", "stderr", "output", "log", "build_output")
"""The types of files whose lines hold what differs every time."""
_SNIFF_BYTES = 8192


def compare_runs(
    before: Run,
    after: Run,
    artifacts: ArtifactStore,
    names: Sequence[str] = OUTPUT,
    exact: bool | None = None,
) -> RunDifference:
    """Return what differs between two runs.

    Args:
        before: one run.
        after: the other.
        artifacts: opened by the calling thread.
        names: which files: `stdout`, `stderr`, a path or file name.
        exact: whether lines are compared as they are; None for those of output not, and those of others.

    Raises:
        NotFoundError: neither run has such a file.
    """
    files = RunFiles(artifacts)
    tests = changed_tests(files.report(before), files.report(after))
    changes = tuple(compare_file(before, after, name, files, exact) for name in names)
    running = tuple(f"{run.name} is still running" for run in (before, after) if not run.is_finished)
    return RunDifference(
        before.run_id, after.run_id, field_changes(before, after), tests, changes,
        (*running, *dict.fromkeys(files.problems)),
    )  # fmt: skip


def field_changes(before: Run, after: Run) -> tuple[FieldChange, ...]:
    """Return the fields in which two records differ; start, end and ids always do and are left out."""
    old, new = _flat(before), _flat(after)
    return tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    )


def _flat(run: Run) -> dict[str, object]:
    record: dict[str, object] = {name: getattr(run, name) for name in _FIELDS}
    variables = ((name, value) for name, value in run.environment.items() if name not in _IDENTITIES)
    record |= {f"environment.{name}": value for name, value in variables}
    record |= {f"tags.{name}": value for name, value in run.tags.items()}
    return record | summary_numbers(run)


def summary_numbers(run: Run) -> dict[str, object]:
    """Return what was counted in a run's files, such as `tests.failed` and `coverage.line_percent`."""
    return {
        f"{kind}.{name}": value
        for kind, counts in run.summary.items()
        if isinstance(counts, Mapping)
        for name, value in counts.items()
        if isinstance(value, int | float)
    }


def changed_tests(before: TestReport | None, after: TestReport | None) -> tuple[TestChange, ...]:
    """Return the tests whose outcome changed, failures first; nothing where a run has no results."""
    if before is None or after is None:
        return ()
    old, new = outcomes(before), outcomes(after)
    gone, come = not after.omitted_cases, not before.omitted_cases
    changes = [
        TestChange(name, old.get(name), new.get(name))
        for name in {**old, **new}
        if old.get(name) != new.get(name) and (name in new or gone) and (name in old or come)
    ]
    changes.sort(key=lambda change: (-_badness(change.after), change.name))
    return tuple(changes)


def outcomes(report: TestReport) -> dict[str, str]:
    """Return the outcome of each test, the worst of those that go by one name."""
    found: dict[str, str] = {}
    for case in (case for suite in report.suites for case in suite.cases):
        name = case_name(case)
        found[name] = max(found.get(name, case.outcome), case.outcome, key=_badness)
    return found


def _badness(outcome: str | None) -> int:
    return {"error": 3, "failed": 2, "skipped": 0, "passed": 1}.get(outcome or "", -1)


def artifact_of(run: Run, name: str) -> Artifact | None:
    """Return the file of a run with this type (`stdout`, `stderr`), path or name."""
    if name in OUTPUT:
        return next((item for item in run.artifacts if item.type == name), None)
    exact = next((item for item in run.artifacts if item.path == name), None)
    return exact or next((item for item in run.artifacts if item.file_name == name), None)


def file_names(before: Run, after: Run) -> tuple[str, ...]:
    """Return every file that either run has: the streams, and the paths of what it produced.

    Left out is what was made of these: both streams as one, test results, coverage, log entries.
    """
    paths = dict.fromkeys(
        item.path
        for item in chain(before.artifacts, after.artifacts)
        if item.type not in (*OUTPUT, "output") and item.source != "extracted"
    )
    return (*OUTPUT, *paths)


def compare_file(
    before: Run, after: Run, name: str, files: RunFiles, exact: bool | None = None
) -> FileChange:
    """Return how one file differs.

    Raises:
        NotFoundError: neither run has it, and it is none of the streams.
    """
    old, new = artifact_of(before, name), artifact_of(after, name)
    if old is None and new is None and name not in OUTPUT:
        known = [item.path for item in chain(before.artifacts, after.artifacts)]
        hint = did_you_mean(name, known, f"'acode artifacts list {after.name}' lists them")
        raise NotFoundError("ACODE-RUN-002", f"neither run has a file {name!r}", hint)
    found = new or old
    path = found.path if found else name
    if _is_same(old, new):
        return FileChange(path, "equal")
    first = (_beginning(before, old, files), _beginning(after, new, files))
    if None in first:
        return FileChange(path, "unreadable")
    if any(b"\0" in (data or b"") for data in first):
        return FileChange(path, "binary")
    return _compare_lines(path, (before, old), (after, new), files, exact)


def _is_same(old: Artifact | None, new: Artifact | None) -> bool:
    if not (old.size_bytes if old else 0) and not (new.size_bytes if new else 0):
        return (old is None) == (new is None) or (old or new).type in OUTPUT  # type: ignore[union-attr]
    if old is None or new is None or old.checksum_sha256 is None:
        return False
    return old.checksum_sha256 == new.checksum_sha256 and not (old.missing or new.missing)


def _beginning(run: Run, artifact: Artifact | None, files: RunFiles) -> bytes | None:
    """Return the first bytes of a file, which say whether it is text; None where it cannot be read."""
    if artifact is None or not artifact.size_bytes:
        return b""
    first = next(files.content(run, artifact), b"")
    return first[:_SNIFF_BYTES] or None


Side = tuple[Run, Artifact | None]


def _compare_lines(path: str, old: Side, new: Side, files: RunFiles, exact: bool | None) -> FileChange:
    """Compare by a hash of each line; the lines themselves are not kept."""
    artifact = new[1] or old[1]
    alike = artifact is not None and artifact.type in _TOLD if exact is None else not exact
    before, before_more = _hashes(side_lines(old, files, exact), alike)
    after, after_more = _hashes(side_lines(new, files, exact), alike)
    ranges = changed_ranges(before, after)
    added = sum(changed.after_end - changed.after for changed in ranges)
    removed = sum(changed.before_end - changed.before for changed in ranges)
    if artifact is not None and artifact.type not in OUTPUT and None in (old[1], new[1]):
        state = "added" if old[1] is None else "removed"
    else:
        state = "changed" if ranges or before_more != after_more else "alike" if alike else "equal"
    return FileChange(path, state, added, removed, ranges, before_more or after_more)


def _hashes(lines: Iterator[str], alike: bool) -> tuple[array[int], bool]:
    """Return a number for each line, and whether there are more."""
    some = islice(lines, MAX_LINES)
    found = array("q", map(hash, map(normalized, some) if alike else some))
    return found, next(lines, None) is not None


def side_lines(side: Side, files: RunFiles, exact: bool | None = None) -> Iterator[str]:
    """Yield the lines of a run's file as they are shown: clean, or where asked for exactly as they are."""
    run, artifact = side
    if artifact is None or not artifact.size_bytes:
        return iter(())
    content = files.content(run, artifact)
    return _exact_lines(content) if exact else (text for _, text in iter_lines(content))


def _exact_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield lines with everything that is in them; what is no UTF-8 stays distinct."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "backslashreplace")
    if rest:
        yield rest.decode("utf-8", "backslashreplace") + "\n\\ No newline at end of file"


def file_diff(
    before: Run, after: Run, change: FileChange, files: RunFiles, context: int, exact: bool | None
) -> Iterator[str]:
    """Yield the lines of a unified diff of a file that was compared, without its head."""
    old = side_lines((before, artifact_of(before, change.path)), files, exact)
    new = side_lines((after, artifact_of(after, change.path)), files, exact)
    return unified_lines(change.ranges, old, new, context)
