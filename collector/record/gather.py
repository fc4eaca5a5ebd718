"""What a run produced, gathered once its command has ended: which folder is looked through, and for what.

Gathering twice changes nothing: how files were found is said in the record, and nothing is then looked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from collector import clock, durable
from collector.config import Config
from collector.config.settings import COLLECT_PATTERNS
from collector.record.choose import Wanted
from collector.record.collect import Limits, RunPlace, Unkept, collect, skipped_json
from collector.record.handed_in import adopt
from collector.workspace import IMPORT_JSON, Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.redaction import Rules

PROVENANCE = "files"
"""The key of a record's provenance that says how files were found: `scan`, `watch` or `none`."""
_RECORDERS = ("exec", "shim")

Changed = Callable[[str, int], Collection[str] | None]
"""Names paths below a folder that may have changed since a time (nanoseconds); None: look yourself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """The settings of gathering; `root` is the workspace's folder, `store` that of all run folders."""

    root: str
    store: str
    enabled: bool = True
    limits: Limits = field(default_factory=Limits)
    everything: bool = False
    patterns: tuple[str, ...] = COLLECT_PATTERNS
    excluded: tuple[str, ...] = ()
    ignored: str = "builtin"


def gathering_of(config: Config, workspace: Workspace, redacted: Rules | None = None) -> Gathering:
    """Return the settings of gathering that a configuration makes.

    Args:
        config: the configuration.
        workspace: whose.
        redacted: what must not be kept of text; None to keep all.
    """

    def number(name: str) -> int:
        value = config.get(f"runs.artifacts.{name}")
        return value if isinstance(value, int) else 0

    def words(name: str) -> tuple[str, ...]:
        value = config.get(f"runs.artifacts.{name}")
        return value if isinstance(value, tuple) else ()

    limits = Limits(
        file_bytes=number("maxSizePerArtifact"), files=number("maxArtifactsPerRun"),
        run_bytes=number("maxBytesPerRun"), seconds=number("collectTimeout") / 1000,
        skip_binary=bool(config.get("runs.artifacts.skipBinary")), file_mode=config.file_mode,
        dir_mode=config.dir_mode, redacted=redacted,
    )  # fmt: skip
    return Gathering(
        root=workspace.root, store=workspace.artifacts, limits=limits,
        enabled=bool(config.get("runs.artifacts.enabled")),
        everything=config.get("runs.artifacts.collect") == "all",
        patterns=words("collectPatterns"), excluded=words("excludePatterns"),
        ignored=str(config.get("runs.artifacts.collectIgnored")),
    )  # fmt: skip


def _no_runs(record: Mapping[str, Any]) -> Iterable[tuple[int, int]]:  # noqa: ARG001, RUF100
    return ()


class Knowing(NamedTuple):
    """Who knows what changed in the workspace, and when shorter runs were at it in the same folder (ms)."""

    changed: Changed | None = None
    shorter_runs: Callable[[Mapping[str, Any]], Iterable[tuple[int, int]]] = _no_runs


KNOWS_NOTHING = Knowing()


class Gathered(NamedTuple):
    """A run's record with its files, which of them are new in it, and reports that were not kept."""

    record: dict[str, Any]
    fresh: frozenset[str]
    unkept: list[Unkept]


def gather(
    folder: str, record: dict[str, Any], settings: Gathering, knowing: Knowing = KNOWS_NOTHING
) -> Gathered:
    """Return a finished run's record with the files it produced and those that were handed in.

    Raises:
        OSError: the disk is full; a second call goes on.
    """
    known = {artifact["path"] for artifact in record["artifacts"]}
    found, unkept = _collected(folder, adopt(folder, record, settings.limits), settings, knowing)
    fresh = frozenset(artifact["path"] for artifact in found["artifacts"]) - known
    return Gathered(found, fresh, unkept)


def _collected(
    folder: str, record: dict[str, Any], settings: Gathering, knowing: Knowing
) -> tuple[dict[str, Any], list[Unkept]]:
    recorder = record.get("recorder") or {}
    if os.path.lexists(os.path.join(folder, IMPORT_JSON)):
        return record, []  # where it ran is not a place here, whatever it is called
    if PROVENANCE in (record.get("provenance") or {}) or recorder.get("kind") not in _RECORDERS:
        return record, []
    asked = _asked(recorder.get("collect"))
    source = _source(record, recorder, settings.root, bool(asked))
    if asked is None or not settings.enabled or not source:
        return _noted(record, "none"), []
    wanted = _wanted(record, settings, asked, knowing.shorter_runs(record))
    paths = knowing.changed(source, wanted.since_ns) if knowing.changed else None
    taken = frozenset(artifact["path"] for artifact in record["artifacts"])
    run = RunPlace(folder, record["run_id"], settings.store, taken)
    found = collect(run, source, wanted, settings.limits, paths)
    artifacts = [*record["artifacts"], *found.artifacts]
    skipped = [*(record.get("skipped") or ()), *skipped_json(found.skipped)]
    return _noted({**record, "artifacts": artifacts, "skipped": skipped}, found.how), found.unkept


def _noted(record: dict[str, Any], how: str) -> dict[str, Any]:
    return {**record, "provenance": {**(record.get("provenance") or {}), PROVENANCE: how}}


def _asked(value: object) -> tuple[str, ...] | None:
    """Return the patterns that `--collect` gave; None for `--no-collect`."""
    if value is False:
        return None
    return tuple(p for p in value if isinstance(p, str)) if isinstance(value, list) else ()


def _source(record: Mapping[str, Any], recorder: Mapping[str, Any], root: str, asked: bool) -> str | None:
    """Return the folder to look through: the working directory, if it may be.

    One outside of the workspace only when the user asked for files, on this machine since it was started:
    a run folder that came from elsewhere must not make us read what lies anywhere.
    """
    directory = str(record.get("working_directory") or "")
    if not os.path.isabs(directory):
        return None
    real = os.path.realpath(directory)
    if real == os.path.realpath(root) or durable.is_inside(root, real):
        return real
    is_ours = asked and real != "/" and recorder.get("boot_id") == clock.boot_id()
    return real if is_ours else None


def _wanted(
    record: Mapping[str, Any], settings: Gathering, asked: tuple[str, ...], others: Iterable[tuple[int, int]]
) -> Wanted:
    builtin = settings.patterns if settings.patterns == COLLECT_PATTERNS else ()
    return Wanted(
        since_ns=clock.parse_iso(record["start_time"]) * 1_000_000,
        until_ns=(clock.parse_iso(record["end_time"]) + 1) * 1_000_000,
        everything=settings.everything,
        others=tuple((since * 1_000_000, (until + 1) * 1_000_000) for since, until in others),
        asked=asked,
        own=settings.patterns if not builtin else (),
        builtin=builtin,
        excluded=settings.excluded,
        ignored=settings.ignored,
    )
