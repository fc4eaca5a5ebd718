"""What is exported, how, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.bundle import deflate
from collector.errors import InputError
from collector.model.run import Run

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""
Sign = Callable[[bytes], bytes]
"""Makes the content of signature.dsse.json of that of manifest.json."""
Encrypt = Callable[[str, str], None]
"""Writes an encrypted copy of a file, whole and durable, to another path."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How runs are exported.

    Attributes:
        redact: mask secrets.
        include: patterns of the artifacts that go along, as in `.gitignore`; all when empty.
        exclude: patterns of those that do not.
        compression_level: 0 (as it is) to 9.
        max_bytes: split what would be longer into several bundles; 0 for never.
        allow_incomplete: export a run though an artifact is missing or corrupt, and say so in the bundle.
        sign: signs a bundle.
        encrypt: encrypts a bundle; its file has `.enc` behind its name.
        replace: files that are there already are replaced.
    """

    redact: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    compression_level: int = deflate.DEFAULT_LEVEL
    max_bytes: int = 0
    allow_incomplete: bool = False
    sign: Sign | None = None
    encrypt: Encrypt | None = None
    replace: bool = False


class Estimate(NamedTuple):
    """What an export is about: runs, artifacts, and the bytes of their content."""

    runs: int
    files: int
    bytes: int


@dataclass(slots=True)
class ExportReport:
    """What an export did.

    Attributes:
        paths: the files it made.
        runs: how many runs are in them.
        files: how many files of these.
        bytes: how many bytes of content.
        size: how long the files it made are.
        redacted: whether secrets were masked.
        masked: how often, by rule.
        omitted: run, path and reason of each artifact that is not in the bundle.
        skipped: name and reason of each run that is not.
    """

    paths: tuple[str, ...] = ()
    runs: int = 0
    files: int = 0
    bytes: int = 0
    size: int = 0
    redacted: bool = True
    masked: dict[str, int] = field(default_factory=dict)
    omitted: list[tuple[str, str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def estimate_export(runs: Iterable[Run], options: ExportOptions) -> Estimate:
    """Return how much content an export would read."""
    wanted = wanted_of(options.include, options.exclude)
    count = files = size = 0
    for run in runs:
        if run.is_finished:
            chosen = [a for a in run.artifacts if not a.missing and wanted(a.path)]
            count, files, size = count + 1, files + len(chosen), size + sum(a.size_bytes for a in chosen)
    return Estimate(count, files, size)


def wanted_of(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells which artifacts go along.

    Raises:
        InputError: a pattern is none.
    """
    from pathspec import GitIgnoreSpec

    try:
        some, none = GitIgnoreSpec.from_lines(include), GitIgnoreSpec.from_lines(exclude)
    except ValueError as error:
        raise InputError(
            "ACODE-RUN-019", f"a pattern is not understood: {error}", "write it as git does"
        ) from None
    return lambda path: (not include or some.match_file(path)) and not none.match_file(path)
