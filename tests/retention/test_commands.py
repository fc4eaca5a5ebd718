"""Cleaning up, deleting and bringing back, as people type it."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from collector.audit.log import iter_entries
from tests.conftest import ACODE, Acode
from tests.retention.making import acode_forked, configure, nothing_dangles, record, runs_of, tasks_of
from tests.terminal import Terminal


def out(acode: Acode, *arguments: str, status: int = 0) -> str:
    done = acode_forked(acode, *arguments)
    assert done.returncode == status, done
    return done.stdout.decode()


def printed(acode: Acode, *arguments: str) -> Any:
    return json.loads(out(acode, *arguments))


def audit_of(acode: Acode) -> list[dict[str, Any]]:
    lines = Path(acode.workspace.folder, "audit.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_dry_run_says_what_would_go_and_why_and_changes_nothing(acode: Acode) -> None:
    record(acode, "old", days=40)
    record(acode, "failed", days=40, status="failure")
    record(acode, "new")
    text = out(acode, "runs", "cleanup", "--dry-run")
    assert [line.split()[0] for line in text.splitlines()] == ["RULE", "maxAge", "would"]
    assert "40 days old, and runs are kept for 30d" in text
    assert "would delete 1 run, 16.0 KB" in text
    assert tasks_of(acode) == ["old", "failed", "new"]


def test_the_rules_of_the_settings_are_followed(acode: Acode) -> None:
    configure(acode, maxAge="10d", keepFailures="20d", maxCount=3, preserveTags=["keep", "v*"])
    for task, days, status, tags in (
        ("ancient", 50, "failure", ()), ("old", 15, "success", ()), ("failed", 15, "timeout", ()),
        ("tagged", 50, "success", ("keep",)), ("version", 50, "success", ("very",)),
        ("a", 5, "success", ()), ("b", 4, "success", ()), ("new", 0, "success", ()),
    ):  # fmt: skip
        record(acode, task, days=days, status=status, tags=tags)
    found = printed(acode, "runs", "cleanup", "--json")
    assert {r["name"].partition("-")[0]: r["rule"] for r in found["runs"]} == {
        "ancient": "keepFailures", "old": "maxAge", "failed": "maxCount", "a": "maxCount", "b": "maxCount",
    }  # fmt: skip
    assert (found["removed"], found["kept"]) == (5, [])
    assert sorted(tasks_of(acode)) == ["new", "tagged", "version"]
    nothing_dangles(acode.workspace)


def test_typed_rules_replace_those_of_the_settings(acode: Acode) -> None:
    for number in range(4):
        record(acode, f"t{number}", days=40 - number)
    out(acode, "runs", "cleanup", "--keep-last", "2")
    assert tasks_of(acode) == ["t2", "t3"]
    out(acode, "runs", "cleanup", "--older-than", "37 days 12h")
    assert tasks_of(acode) == ["t3"]


def test_a_minimum_age_that_was_set_holds_for_typed_rules_too(acode: Acode) -> None:
    configure(acode, minAge="2h")
    record(acode, "young")
    record(acode, "older", days=1)
    out(acode, "runs", "cleanup", "--keep-last", "0")
    assert tasks_of(acode) == ["young"]


def test_a_filter_limits_what_is_looked_at(acode: Acode) -> None:
    for task in ("a", "b", "a", "b", "a"):
        record(acode, task)
    out(acode, "runs", "cleanup", "--keep-last", "1", "task:a")
    assert sorted(tasks_of(acode)) == ["a", "b", "b"]


def test_every_deletion_is_in_the_audit_log(acode: Acode) -> None:
    record(acode, "old", days=40)
    run = runs_of(acode)[0]
    out(acode, "runs", "cleanup")
    record(acode, "named")
    out(acode, "runs", "delete", "latest")
    first, second = audit_of(acode)
    assert (first["action"], first["details"]["runs"]) == (
        "cleanup",
        [f"{run.name} {run.run_id} maxAge"],
    )
    assert second["action"] == "delete"


def test_a_deleted_run_comes_back_with_tags_note_and_files(acode: Acode) -> None:
    acode.run("exec", "--task", "precious", "--tag", "a=b", "--", "echo", "output")
    runs_of(acode)
    folder = acode.folder()
    out(acode, "runs", "tag", "latest", "later")
    out(acode, "runs", "note", "latest", "remember me")
    before, files = runs_of(acode)[0], sorted(p.name for p in folder.iterdir())
    out(acode, "runs", "delete", "latest")
    assert (tasks_of(acode), acode.folders()) == ([], [])
    assert [run["name"] for run in printed(acode, "runs", "trash", "--json")] == [folder.name]
    assert out(acode, "runs", "undelete", "latest") == f"brought back {folder.name}\n"
    logged = [(entry["action"], entry["subject"]) for entry in iter_entries(acode.workspace)]
    assert logged[-1] == ("restore", folder.name)
    after = runs_of(acode)[0]
    assert after.to_json() == before.to_json()
    assert dict(after.tags) == {"a": "b", "later": ""}
    assert sorted(p.name for p in folder.iterdir()) == files
    assert out(acode, "runs", "stdout", "latest") == "output\n"
    assert printed(acode, "runs", "trash", "--json") == []
    nothing_dangles(acode.workspace)


def test_a_run_that_came_back_is_not_cleaned_up_at_once(acode: Acode) -> None:
    record(acode, "old", days=40)
    out(acode, "runs", "cleanup")
    out(acode, "runs", "undelete", "old")
    out(acode, "runs", "cleanup")
    assert tasks_of(acode) == ["old"]


@pytest.mark.parametrize("layout", ["flat", "dated"])
def test_a_run_comes_back_to_where_it_was(acode: Acode, layout: str) -> None:
    Path(acode.workspace.folder).mkdir()
    Path(acode.workspace.folder, "config.yml").write_text(f"runs: {{artifacts: {{layout: {layout}}}}}\n")
    acode.exec("true")
    before = runs_of(acode)[0].folder
    out(acode, "runs", "delete", "latest")
    out(acode, "runs", "undelete", "latest")
    assert runs_of(acode)[0].folder == before
    assert Path(acode.workspace.run_folder(before), "run.json").exists()


def test_what_is_not_in_the_trash_cannot_come_back(acode: Acode) -> None:
    record(acode, "there")
    done = acode_forked(acode, "runs", "undelete", "there")
    assert (done.returncode, done.stderr.startswith(b"acode: ACODE-RUN-038")) == (1, True)


def test_a_run_does_not_come_back_over_another(acode: Acode) -> None:
    folder = record(acode, "one")
    out(acode, "runs", "delete", "latest")
    folder.mkdir()
    (folder / "mine").write_text("x")
    done = acode_forked(acode, "runs", "undelete", "latest")
    assert (done.returncode, b"ACODE-RUN-038" in done.stderr) == (1, True)
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert len(printed(acode, "runs", "trash", "--json")) == 1


def test_without_a_time_in_the_trash_files_go_at_once(acode: Acode) -> None:
    configure(acode, trashTime="0")
    record(acode, "gone")
    out(acode, "runs", "delete", "latest")
    out(acode, "runs", "list")
    assert os.listdir(acode.workspace.trash) == []  # noqa: PTH208
    record(acode, "now")
    configure(acode)
    out(acode, "runs", "delete", "latest", "--now")
    out(acode, "runs", "list")
    assert os.listdir(acode.workspace.trash) == []  # noqa: PTH208


def test_the_trash_is_emptied_by_hand(acode: Acode) -> None:
    record(acode, "gone")
    out(acode, "runs", "delete", "latest")
    assert "1 deleted run for good" in out(acode, "runs", "trash", "--empty", "--force")
    assert printed(acode, "runs", "trash", "--json") == []


def test_many_runs_are_deleted_by_a_filter(acode: Acode) -> None:
    for task in ("a", "b", "a"):
        record(acode, task)
    assert len(out(acode, "runs", "delete", "task:a").splitlines()) == 2
    assert tasks_of(acode) == ["b"]
    assert out(acode, "runs", "delete", "--task", "b").startswith("deleted b-")
    assert out(acode, "runs", "delete", "task:b") == ""


def test_latest_leads_to_a_run_that_is_there(acode: Acode) -> None:
    first = record(acode, "first")
    record(acode, "second")
    out(acode, "runs", "delete", "latest")
    assert Path(acode.workspace.latest).resolve() == first.resolve()
    out(acode, "runs", "delete", "latest")
    assert not os.path.lexists(acode.workspace.latest)


# Prune


def test_prune_deletes_the_oldest_until_what_is_left_fits(acode: Acode) -> None:
    for number in range(6):
        record(acode, f"t{number}", content=os.urandom(100_000), days=6 - number)
    limit = disk_bytes(acode) // 2
    out(acode, "artifacts", "prune", "--max-size", str(limit), "--force")
    assert tasks_of(acode) == ["t3", "t4", "t5"]
    assert limit * 0.95 <= disk_bytes(acode) <= limit
    out(acode, "runs", "list")
    assert os.listdir(acode.workspace.trash) == []  # noqa: PTH208


def disk_bytes(acode: Acode) -> int:
    """What `du` says of all run folders together."""
    found = {}
    for folder in acode.folders():
        for path in (folder, *folder.iterdir()):
            found[path.stat().st_ino] = path.stat().st_blocks * 512
    return sum(found.values())


def test_prune_keeps_so_many(acode: Acode) -> None:
    for number in range(5):
        record(acode, f"t{number}")
    assert "deleted 3 runs" in out(acode, "artifacts", "prune", "--keep", "2", "--force")
    assert sorted(tasks_of(acode)) == ["t3", "t4"]


def test_prune_asks_and_takes_silence_for_no(acode: Acode) -> None:
    record(acode, "only")
    done = acode_forked(acode, "artifacts", "prune", "--keep", "0")
    assert (done.returncode, b"[y/N]" in done.stderr) == (1, True)
    assert tasks_of(acode) == ["only"]


def test_cleanup_asks_on_a_terminal(acode: Acode) -> None:
    record(acode, "old", days=40)
    for answer, left in (("n", 1), ("y", 0)):
        terminal = Terminal([*ACODE, "runs", "cleanup"], acode.environ, str(acode.root))
        terminal.wait_for("[y/N]")
        terminal.send(answer + "\r")
        assert terminal.finish() == (0 if answer == "y" else 1)
        assert len(runs_of(acode)) == left


def test_nothing_to_delete_is_said(acode: Acode) -> None:
    assert out(acode, "runs", "cleanup") == "nothing to delete\n"
    record(acode, "new")
    assert out(acode, "runs", "cleanup") == "nothing to delete\n"
    assert printed(acode, "runs", "cleanup", "--json")["total_runs"] == 0
    assert out(acode, "artifacts", "prune", "--force") == "nothing to delete\n"


# What is left behind


def test_orphans_are_shown_and_removed_and_nothing_else(acode: Acode) -> None:
    whole, damaged, gone = (record(acode, task) for task in ("whole", "damaged", "gone"))
    (damaged / "run.json").write_text('{"run_id": ')
    Path(acode.workspace.database).unlink()
    out(acode, "runs", "list")
    record(acode, "gone2")
    shutil.rmtree(gone)
    foreign = Path(acode.workspace.artifacts, "release-20260120-143215")
    foreign.mkdir()
    (foreign / "run.json").write_text("{")
    (foreign / "notes.md").write_text("x")
    dead = Path(acode.workspace.artifacts, "dead-20260120-143215")
    dead.mkdir()
    (dead / "stdout.txt").write_text("x")
    long_ago = time.time() - 9000
    for path in (dead, foreign):
        os.utime(path, (long_ago, long_ago))
    found = printed(acode, "runs", "cleanup", "--orphans", "--dry-run", "--json")
    assert found["runs"] == []
    assert {(o["name"], o["rule"]) for o in found["orphans"]} == {
        (damaged.name, "damagedRecord"), (dead.name, "noRecord"), (gone.name, "noFolder"),
    }  # fmt: skip
    out(acode, "runs", "cleanup", "--orphans")
    names = {folder.name for folder in acode.folders()}
    assert {whole.name, foreign.name} <= names
    assert not names & {damaged.name, dead.name, gone.name}
    assert sorted(tasks_of(acode)) == ["gone2", "whole"]


def test_a_store_that_is_not_mounted_loses_no_rows(acode: Acode) -> None:
    record(acode, "there")
    Path(acode.workspace.artifacts).rename(acode.root / "unmounted")
    done = acode_forked(acode, "runs", "cleanup", "--orphans")
    assert (done.returncode, b"ACODE-ART-006" in done.stderr) == (1, True)
    shutil.rmtree(acode.workspace.artifacts, ignore_errors=True)
    (acode.root / "unmounted").rename(acode.workspace.artifacts)
    assert tasks_of(acode) == ["there"]
