"""`acode config`, `acode doctor`, `acode demo`."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from collector.config import load_config
from collector.config.settings import SETTINGS
from tests.cli.conftest import Recorded
from tests.conftest import ACODE, Acode
from tests.terminal import Terminal


def findings(acode: Recorded) -> dict[str, dict[str, str]]:
    done = acode.run("doctor", "--json")
    return {found["name"]: found for found in json.loads(done.stdout)}


def test_show_says_where_each_value_came_from(fresh: Recorded) -> None:
    (fresh.root / ".acode" / "config.yml").write_text("runs:\n  dirMode: 700\n")
    environ = {**fresh.environ, "ACODE_RUNS_FILE_MODE": "600"}
    shown = fresh.json("config", "show", "--json", env=environ)
    assert shown["runs.dirMode"] == {"value": 0o700, "origin": ".acode/config.yml:2"}
    assert shown["runs.fileMode"] == {"value": 0o600, "origin": "ACODE_RUNS_FILE_MODE"}
    assert shown["runs.enabled"] == {"value": True, "origin": "default"}
    assert list(shown) == [setting.name for setting in SETTINGS.values()]
    text = fresh.ok("config", "show", env=environ)
    assert "700" in text
    assert "ACODE_RUNS_FILE_MODE" in text


def test_init_writes_a_file_that_changes_nothing_until_edited(fresh: Recorded) -> None:
    before = fresh.json("config", "show", "--json")
    assert "config.yml" in fresh.ok("config", "init")
    assert fresh.json("config", "show", "--json") == before
    assert "ACODE-RUN-023" in fresh.fails(1, "config", "init")
    assert fresh.run("config", "init", "--force").returncode == 0


def test_every_line_that_init_comments_out_can_be_put_in_effect(fresh: Recorded) -> None:
    fresh.ok("config", "init")
    path = fresh.root / ".acode" / "config.yml"
    lines = path.read_text().splitlines()
    shown = [line.replace("#", "", 1) if line.lstrip().startswith("#") and "# " not in line else line
                for line in lines]  # fmt: skip
    path.write_text("\n".join(shown))
    config = load_config(str(fresh.root), {})
    given = [origin for _, _, origin in config.items() if origin != "default"]
    assert len(given) == len(SETTINGS)
    defaults = {setting.name: setting.default for setting in SETTINGS.values()}
    without_default = (
        "tasks", "runs.retention.schedule", "runs.artifacts.directory", "runs.encryption.keyFile",
    )  # fmt: skip
    for name, value, _ in config.items():
        if name not in without_default:
            assert value == defaults[name]


def test_doctor_finds_a_healthy_workspace_healthy(recorded: Recorded) -> None:
    done = recorded.run("doctor")
    assert done.returncode == 0
    assert b"fail" not in done.stdout
    found = findings(recorded)
    assert {"acode", "workspace", "settings", "folder", "disk", "filesystem", "path", "terminal", "database",
            "sqlite", "collector", "runs", "clock", "hooks", "inspector"} <= set(found)  # fmt: skip
    assert {found["level"] for name, found in found.items() if name not in ("path", "disk", "terminal")} == {
        "ok"
    }
    assert found["database"]["text"].startswith("sound")


def test_doctor_names_a_mistake_in_the_settings(fresh: Recorded) -> None:
    (fresh.root / ".acode" / "config.yml").write_text("nonsense: 1\n")
    done = fresh.run("doctor")
    assert done.returncode == 1
    assert b"fail  settings:" in done.stdout
    assert b"config.yml:1" in done.stdout


def test_doctor_names_a_damaged_database(fresh: Recorded) -> None:
    Path(fresh.workspace.database).write_bytes(b"no database" * 1000)
    assert fresh.run("doctor").returncode == 1
    found = findings(fresh)["database"]
    assert found["level"] == "fail"
    assert "reindex" in found["advice"]


def test_doctor_warns_of_a_run_from_the_future(fresh: Recorded) -> None:
    fresh.exec("true")
    path = fresh.folder() / "run.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "start_time": "2999-01-01T00:00:00.000Z",
                                "end_time": "2999-01-01T00:00:00.001Z"}))  # fmt: skip
    fresh.ok("runs", "list", "--json")
    assert findings(fresh)["clock"]["level"] == "warn"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_doctor_names_a_folder_that_cannot_be_written(fresh: Recorded) -> None:
    folder = Path(fresh.workspace.folder)
    folder.chmod(0o555)
    try:
        assert findings(fresh)["folder"]["level"] == "fail"
    finally:
        folder.chmod(0o755)


def test_doctor_warns_where_there_is_no_workspace(tmp_path: Path) -> None:
    assert findings(Recorded(tmp_path))["workspace"]["level"] == "warn"


def test_demo_records_real_runs_of_every_kind(fresh: Recorded) -> None:
    environ = {**fresh.environ, "TMPDIR": str(fresh.root)}
    environ.pop("ACODE_COLLECTOR_AUTOSTART")
    done = fresh.run("demo", "--no-open", env=environ)
    assert done.returncode == 0
    demo = Recorded(Path(done.stdout.decode().rstrip("\n")))
    try:
        runs = {run["name"].rpartition("-2")[0]: run for run in demo.json("runs", "list", "--json")}
        assert {run["status"] for run in runs.values()} == {"running", "success", "failure", "timeout"}
        assert runs["serve"]["status"] == "running"
        assert runs["deploy"]["exit_code"] == 127
        assert len(demo.json("runs", "list", "--json", "task:test", "session:demo-agent")) == 2
        assert json.loads(demo.ok("runs", "stdout", "report"))["shop"] == "demo"
        assert "日本語" in demo.ok("runs", "stdout", "colors")
        assert demo.run("runs", "stderr", "test", "--force").returncode == 2  # two tests begin like that
    finally:
        stop(demo)


def test_demo_opens_the_inspector_and_leaves_nothing_behind(fresh: Recorded) -> None:
    names = {k: v for k, v in fresh.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    environ = {**names, "TMPDIR": str(fresh.root)}
    terminal = Terminal([*ACODE, "demo"], environ, str(fresh.root), columns=110, rows=30)
    terminal.wait_for("serve", 40)
    assert len(list(fresh.root.glob("acode-demo-*"))) == 1
    terminal.send("q")
    assert terminal.finish(40) == 0
    assert list(fresh.root.glob("acode-demo-*")) == []


def stop(demo: Acode) -> None:
    """End what the demo left running."""
    for record in demo.records():
        if record["status"] == "running":
            os.kill(record["recorder"]["pid"], signal.SIGTERM)
    demo.run("collector", "stop")
    shutil.rmtree(demo.root, ignore_errors=True)
