"""With the collector's watch the same files are found as by looking through the folders."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector import clock
from collector.daemon.watching import WorkspaceWatch
from collector.record.choose import Wanted
from collector.record.collect import Limits, RunPlace, collect
from collector.store.trouble import ignore
from collector.workspace import Workspace
from tests.conftest import Acode, wait_for

Process = subprocess.Popen[bytes]
NAMES = ["a.log", "b.log", "junit.xml", "x.c", "fix.patch", "coverage.xml"]
FOLDERS = ["", "src", "src/deep/er", "TestResults", "node_modules/m", "env", "coverage/html", ".hidden"]


def record_of(acode: Acode, name: str) -> dict[str, Any]:
    return json.loads((Path(acode.workspace.artifacts) / name / "run.json").read_bytes())  # type: ignore[no-any-return]


def run(acode: Acode, script: str) -> dict[str, Any]:
    """Run a script and return its record once the collector has sealed it."""
    before = {p.name for p in acode.folders()}
    assert acode.run("exec", "--", "sh", "-c", script).returncode == 0
    (name,) = {p.name for p in acode.folders()} - before
    wait_for(lambda: "files" in record_of(acode, name)["provenance"])
    return record_of(acode, name)


def files(record: dict[str, Any]) -> set[str]:
    return {a["path"] for a in record["artifacts"] if a["source"] == "file"}


def script_of(random_: random.Random) -> str:
    """A script that makes, changes, moves and removes files and folders."""
    lines = []
    for _ in range(random_.randint(1, 12)):
        folder = random_.choice(FOLDERS) or "."
        one, other = f"{folder}/{random_.choice(NAMES)}", f"{folder}/{random_.choice(NAMES)}"
        lines.append(random_.choice([
            f"mkdir -p {folder} && echo $RANDOM > {one}", f"mkdir -p {folder} && echo more >> {one}",
            f"mkdir -p {folder} && touch {one} && mv {one} {other}", f"rm -f {one}", f"rm -rf {folder}/*",
            f"mkdir -p {folder} && touch -d 2001-01-01 {one}",
            f"mkdir -p {folder}/new && cp -p {one} {folder}/new/",
            f"mv {folder} moved-$$ && mkdir -p {folder}", f"mkdir -p {folder} && ln -sf {one} {other}",
        ]))  # fmt: skip
    return "; ".join(f"{{ {line}; }} 2>/dev/null" for line in lines) + "; true"


def test_watch_and_scan_find_the_same_files(acode: Acode, collector: Process, tmp_path: Path) -> None:
    (acode.root / "env").mkdir()
    (acode.root / "env" / "pyvenv.cfg").touch()
    wait_for(lambda: run(acode, "true")["provenance"]["files"] == "watch")
    found = 0
    for seed in range(25):
        record = run(acode, script_of(random.Random(seed)))
        assert record["provenance"]["files"] == "watch"
        scanned = tmp_path / f"scan-{seed}" / "run"
        scanned.mkdir(parents=True)
        times = [clock.parse_iso(record[key]) * 1_000_000 for key in ("start_time", "end_time")]
        place = RunPlace(str(scanned), record["run_id"], acode.workspace.artifacts)
        patterns = ("*.log", "**/TestResults/**", "junit*.xml", "coverage/**", "coverage.xml", "*.patch")
        wanted = Wanted(since_ns=times[0], until_ns=times[1] + 1_000_000, builtin=patterns)
        own = collect(place, str(acode.root), wanted, Limits())
        mine = {a["path"] for a in own.artifacts if not a["path"].startswith("scan-")}
        assert files(record) == mine, seed
        assert {s["path"] for s in record["skipped"]} == {s.path for s in own.skipped}
        found += len(mine)
    assert found > 30


def test_a_run_that_began_before_the_watch_is_looked_through(acode: Acode) -> None:
    acode.run("exec", "--", "sh", "-c", "echo > a.log")
    watch = WorkspaceWatch(acode.workspace, ignore)
    watch.start()
    try:
        wait_for(lambda: watch.changed(str(acode.root), 1 << 62) == set())
        assert watch.changed(str(acode.root), 0) is None
    finally:
        watch.stop()


def test_the_answer_names_what_changed_below_a_folder(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    workspace.create()
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    watch = WorkspaceWatch(workspace, ignore)
    watch.start()
    try:
        wait_for(lambda: watch.changed(str(tmp_path), 1 << 62) is not None)
        since = clock.now_ms() * 1_000_000
        (tmp_path / "src" / "deep" / "a.log").write_text("1")
        (tmp_path / "other" / "b.log").write_text("1")
        assert "deep/a.log" in (watch.changed(str(tmp_path / "src"), since) or ())
        assert not any("b.log" in path for path in watch.changed(str(tmp_path / "src"), since) or ())
        assert watch.changed("/", since) is None
        assert watch.changed(str(tmp_path.parent), since) is None
    finally:
        watch.stop()


def test_too_many_changes_are_not_named_but_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.daemon.watching.MAX_CHANGES", 10)
    workspace = Workspace(str(tmp_path))
    workspace.create()
    watch = WorkspaceWatch(workspace, ignore)
    watch.start()
    try:
        wait_for(lambda: watch.changed(str(tmp_path), 1 << 62) is not None)
        since = clock.now_ms() * 1_000_000
        for number in range(20):
            (tmp_path / f"{number}.log").touch()
        assert watch.changed(str(tmp_path), since) is None
    finally:
        watch.stop()


def test_a_workspace_with_too_many_folders_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.daemon.watching.MAX_FOLDERS", 3)
    workspace = Workspace(str(tmp_path))
    workspace.create()
    said: list[str] = []
    for name in "abcd":
        (tmp_path / name).mkdir()
    watch = WorkspaceWatch(workspace, lambda event, **_: said.append(event))
    watch.start()
    wait_for(lambda: said == ["watch.workspace_too_large"])
    assert watch.changed(str(tmp_path), 1 << 62) is None
    watch.stop()
