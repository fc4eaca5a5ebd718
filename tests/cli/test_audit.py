"""`acode audit`: the log as users see it."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from collector.audit import append_audit
from tests.cli.conftest import Recorded
from tests.conftest import Acode


def fill(fresh: Recorded) -> None:
    for action, subject in (("export", "a.zip"), ("delete", "test-20260120-143215"), ("access", "\x1b[2Jx")):
        append_audit(fresh.workspace, action, subject, {"by": "hand"})


def test_the_newest_entries_come_first_and_can_be_chosen(fresh: Recorded) -> None:
    fill(fresh)
    assert [e["action"] for e in fresh.json("audit", "list", "--json")] == ["access", "delete", "export"]
    assert [e["seq"] for e in fresh.json("audit", "list", "--limit", "1", "--json")] == [3]
    found = fresh.json("audit", "list", "--action", "delete,export", "--since", "1h", "--json")
    assert [e["subject"] for e in found] == ["test-20260120-143215", "a.zip"]
    assert fresh.json("audit", "list", "--since", "2100-01-01", "--json") == []


def test_a_table_holds_no_control_character(fresh: Recorded) -> None:
    fill(fresh)
    table = fresh.ok("audit", "list")
    assert "\x1b" not in table
    assert "test-20260120-143215" in table
    assert "by=hand" in table


def test_an_edited_log_is_said_with_its_line_and_status_1(fresh: Recorded) -> None:
    fill(fresh)
    assert "3 entries, whole" in fresh.ok("audit", "verify")
    path = fresh.root / ".acode" / "audit.jsonl"
    path.write_text(path.read_text().replace("a.zip", "b.zip"))
    done = fresh.run("audit", "verify")
    assert done.returncode == 1
    assert b"ACODE-RUN-036: audit.jsonl:1: it was changed" in done.stderr
    found = json.loads(fresh.run("audit", "verify", "--json").stdout)
    assert [problem["line"] for problem in found["problems"]][:1] == [1]


def test_a_cut_tail_is_found_against_a_checkpoint(fresh: Recorded, tmp_path: Path) -> None:
    fill(fresh)
    checkpoint = tmp_path / "checkpoint.json"
    fresh.ok("audit", "checkpoint", "--output", str(checkpoint))
    assert "cannot write" in fresh.fails(1, "audit", "checkpoint", "--output", str(checkpoint))
    path = fresh.root / ".acode" / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    fresh.ok("audit", "verify")
    done = fresh.run("audit", "verify", "--against", str(checkpoint))
    assert done.returncode == 1
    assert b"the log ends with entry 2, but had 3" in done.stderr


def test_bad_words_are_said_in_one_line(fresh: Recorded, tmp_path: Path) -> None:
    assert "did you mean 'delete'" in fresh.fails(2, "audit", "list", "--action", "delte")
    assert "ACODE-RUN-018" in fresh.fails(2, "audit", "list", "--since", "notadate")
    assert "cannot read" in fresh.fails(1, "audit", "verify", "--against", str(tmp_path / "none"))
    assert fresh.run("audit", "list").stderr == b"nothing is in the audit log\n"


def test_reading_content_is_in_the_log_and_looking_at_lists_is_not(acode: Acode) -> None:
    acode.exec("sh", "-c", "echo needle; echo err >&2")
    for words in (["runs", "list"], ["runs", "show", "@"], ["artifacts", "list", "@"]):
        assert acode.run(*words).returncode == 0
    assert not Path(acode.workspace.folder, "audit.jsonl").exists()
    artifact = acode.record()["artifacts"][0]
    reading = [
        (["runs", "stdout", "@"], "stdout.txt"), (["runs", "stderr", "@", "--tail", "1"], "stderr.txt"),
        (["runs", "output", "@"], "output.txt"), (["artifacts", "cat", "@", "stdout.txt"], "stdout.txt"),
        (["runs", "artifact", artifact["artifact_id"]], artifact["path"]),
    ]  # fmt: skip
    for words, _ in reading:
        assert acode.run(*words).returncode == 0, words
    lines = Path(acode.workspace.folder, "audit.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    run_id = acode.record()["run_id"]
    assert [(e["action"], e["subject"], e["details"]["path"]) for e in entries] == [
        ("access", run_id, path) for _, path in reading
    ]
    assert acode.run("search", "needle").returncode == 0
    assert acode.run("search", "nothing-like-it").returncode == 0
    assert len(Path(acode.workspace.folder, "audit.jsonl").read_text().splitlines()) == len(reading) + 1
    assert acode.run("audit", "verify").returncode == 0


def test_content_is_shown_though_nobody_can_log_it(acode: Acode) -> None:
    acode.exec("echo", "still here")
    acode.run("runs", "list")
    Path(acode.workspace.folder, "audit.jsonl").mkdir()
    assert acode.run("runs", "stdout", "@").stdout == b"still here\n"


def test_reading_does_not_wait_for_who_was_stopped_while_writing_the_log(acode: Acode) -> None:
    acode.exec("echo", "still here")
    with Path(acode.workspace.folder, "audit.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert acode.run("runs", "stdout", "@").stdout == b"still here\n"
    assert not Path(acode.workspace.folder, "audit.jsonl").exists()
