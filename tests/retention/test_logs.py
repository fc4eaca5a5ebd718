"""What runs printed is deleted sooner than the runs, where the settings say so."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from collector.audit.log import iter_entries
from collector.clock import format_iso
from collector.config import Config
from collector.record import spool
from collector.record.expire import EXPIRED, expire_logs
from collector.retention.logs import expire_logs as ask_for_logs
from collector.store import open_stores
from collector.workspace import STDERR, STDOUT
from tests.cli.conftest import Recorded, fresh  # noqa: F401 - a fixture

DAY_MS = 86_400_000
PRINTS = "echo said; echo complained >&2; echo '<testsuite tests=\"0\"/>' > junit.xml; echo line > steps.log"


def settings(**more: object) -> Config:
    values = {"logretentiondays": 30, "minage": 0, **more}
    return Config({f"runs.retention.{name}": (value, "test") for name, value in values.items()})  # type: ignore[misc]


def record(acode: Recorded, days_ago: int, *options: str) -> Path:
    """Record a run that ended so long ago; return its folder."""
    before = set(acode.folders())
    assert acode.run("exec", *options, "--", "sh", "-c", PRINTS).returncode == 0
    (folder,) = set(acode.folders()) - before
    acode.run("runs", "list")
    path = folder / "run.json"
    found = json.loads(path.read_text())
    then = int(time.time() * 1000) - days_ago * DAY_MS
    found |= {"start_time": format_iso(then - 10), "end_time": format_iso(then)}
    path.write_text(json.dumps(found))
    for database in Path(acode.workspace.folder).glob("runs.db*"):
        database.unlink()  # what a database knows of a finished run it does not unlearn
    acode.run("runs", "reindex")
    return folder


def types(acode: Recorded, folder: Path) -> set[str]:
    runs, _ = open_stores(acode.workspace)
    try:
        (run,) = runs.find_matching(folder.name)
        return {artifact.type for artifact in run.artifacts}
    finally:
        runs.close()


def test_old_runs_keep_everything_but_what_they_printed(fresh: Recorded) -> None:  # noqa: F811
    old, young = record(fresh, 31), record(fresh, 29)
    assert ask_for_logs(fresh.workspace, settings(), 100) == 1
    fresh.ok("runs", "list")
    assert "test_result" in types(fresh, old)
    assert types(fresh, old).isdisjoint({"stdout", "stderr", "output", "log"})
    assert {"stdout", "stderr", "log"} <= types(fresh, young)
    assert not [
        path for path in old.iterdir() if path.name.startswith(("stdout", "stderr", "output", "steps"))
    ]
    said = {skipped["path"] for skipped in fresh.json("runs", "show", old.name, "--json")["skipped"]}
    assert {STDOUT, STDERR, "steps.log"} <= said
    assert ask_for_logs(fresh.workspace, settings(), 100) == 0
    fresh.run("runs", "reindex")
    assert "stdout" not in types(fresh, old)
    (entry,) = iter_entries(fresh.workspace)
    assert (entry["action"], entry["details"]["rule"]) == ("cleanup", "logRetentionDays")
    assert fresh.run("runs", "stdout", old.name).returncode == 1
    assert fresh.run("artifacts", "verify", "--all").returncode == 0


def test_tags_minimum_age_and_no_setting_protect(fresh: Recorded) -> None:  # noqa: F811
    record(fresh, 31, "--tag", "important")
    assert ask_for_logs(fresh.workspace, settings(preservetags=("important",)), 100) == 0
    assert ask_for_logs(fresh.workspace, settings(minage=40 * DAY_MS), 100) == 0
    assert ask_for_logs(fresh.workspace, settings(logretentiondays=0), 100) == 0
    assert ask_for_logs(fresh.workspace, settings(), 100) == 1


def test_what_a_crash_left_is_removed_by_the_same_request(fresh: Recorded) -> None:  # noqa: F811
    folder = record(fresh, 31)
    content = (folder / STDOUT).read_bytes()
    expire_logs(str(folder), json.loads((folder / "run.json").read_text()), 0o644)
    (folder / STDOUT).write_bytes(content)  # as if the machine had stopped between the record and the file
    spool.announce(fresh.workspace.spool, spool.EXPIRE, folder.name)
    fresh.ok("runs", "list")
    assert not (folder / STDOUT).exists()
    assert list(Path(fresh.workspace.spool).iterdir()) == []


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/passwd", "run.json/../../x", ""])
def test_a_record_cannot_name_a_file_elsewhere(fresh: Recorded, path: str) -> None:  # noqa: F811
    folder = record(fresh, 31)
    outside = folder.parent / "outside.txt"
    outside.write_text("foreign")
    found = json.loads((folder / "run.json").read_text())
    expire_logs(str(folder), found | {"skipped": [{"path": path, "reason": EXPIRED}]}, 0o644)
    assert outside.read_text() == "foreign"
    assert (folder / "run.json").is_file()


def test_a_running_run_keeps_what_it_prints(fresh: Recorded) -> None:  # noqa: F811
    folder = record(fresh, 31)
    found = json.loads((folder / "run.json").read_text()) | {"status": "running"}
    assert expire_logs(str(folder), found, 0o644) == found
    assert (folder / STDOUT).exists()
