"""`acode runs tag|untag|note`: annotations that outlive everything but their run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from collector.model.query import RunQuery
from collector.record import spool
from collector.record.annotations import set_note
from collector.store import open_stores
from collector.store.annotating import annotate
from tests.cli.conftest import Recorded, finish
from tests.conftest import Acode, read_json, wait_for


def one(fresh: Recorded, *tags: str) -> dict[str, Any]:
    """Record one run with tags."""
    options = [word for tag in tags for word in ("--tag", tag)]
    fresh.run("exec", *options, "--", "echo", "hello")
    return shown(fresh)


def shown(fresh: Recorded, run: str = "@") -> dict[str, Any]:
    return dict(fresh.json("runs", "show", run, "--json"))


def test_a_finished_run_is_tagged_and_its_record_stays_as_it_was(fresh: Recorded) -> None:
    name = one(fresh, "kept=1")["name"]
    before = (fresh.folder() / "run.json").read_bytes()
    assert fresh.ok("runs", "tag", "@", "flaky", "env=prod") == f"tagged {name}: flaky env=prod\n"
    assert shown(fresh)["tags"] == {"kept": "1", "flaky": "", "env": "prod"}
    assert (fresh.folder() / "run.json").read_bytes() == before
    assert [run["name"] for run in fresh.json("runs", "list", "tag:env=prod", "--json")] == [name]


def test_another_value_replaces_the_one_before(fresh: Recorded) -> None:
    one(fresh, "env=test")
    fresh.ok("runs", "tag", "@", "env=prod")
    assert shown(fresh)["tags"] == {"env": "prod"}
    assert fresh.json("runs", "list", "tag:env=test", "--json") == []


def test_a_tag_that_was_recorded_can_be_taken_away_and_given_again(fresh: Recorded) -> None:
    one(fresh, "important", "env=prod")
    fresh.ok("runs", "untag", "@", "important", "env=prod")
    assert shown(fresh)["tags"] == {}
    fresh.ok("runs", "tag", "@", "important")
    assert shown(fresh)["tags"] == {"important": ""}


def test_a_tag_that_is_not_there_is_an_error_and_nothing_changes(fresh: Recorded) -> None:
    one(fresh, "flaky", "env=prod")
    assert "did you mean 'flaky'" in fresh.fails(1, "runs", "untag", "@", "env", "flakky")
    assert "no tag 'env=test'" in fresh.fails(1, "runs", "untag", "@", "env=test")
    assert shown(fresh)["tags"] == {"env": "prod", "flaky": ""}


def test_annotations_outlive_the_database(fresh: Recorded) -> None:
    one(fresh, "gone")
    fresh.ok("runs", "tag", "@", "flaky")
    fresh.ok("runs", "untag", "@", "gone")
    fresh.ok("runs", "note", "@", "look at this")
    for path in Path(fresh.workspace.folder).glob("runs.db*"):
        path.unlink()
    record = shown(fresh)
    assert (record["tags"], record["note"]) == ({"flaky": ""}, "look at this")


def test_annotations_made_before_a_run_is_sealed_are_still_there_after_a_sealing_cut_short(
    fresh: Recorded,
) -> None:
    fresh.run("exec", "--task", "one", "--", "echo", "hello")
    fresh.ok("runs", "tag", "@", "flaky")
    waiting = Path(fresh.workspace.spool)
    folder = fresh.folder()
    record = read_json(folder / "run.json")
    for artifact in record["artifacts"]:
        artifact["checksum_sha256"] = None
    (folder / "run.json").write_text(json.dumps(record))
    (waiting / f"{folder.name}.sealing").touch()
    fresh.run("runs", "list")
    assert not list(waiting.iterdir())
    assert shown(fresh)["tags"] == {"flaky": ""}


def test_a_running_run_is_tagged_and_keeps_it_when_it_ends(fresh: Recorded) -> None:
    process = fresh.start("exec", "--task", "waits", "--", "cat", stdin=subprocess.PIPE)
    wait_for(lambda: fresh.run("runs", "list", "--json").stdout.count(b'"running"') == 1)
    fresh.ok("runs", "tag", "latest", "watched")
    fresh.ok("runs", "note", "latest", "still going")
    assert (shown(fresh)["status"], shown(fresh)["tags"]) == ("running", {"watched": ""})
    finish(process)
    record = shown(fresh)
    assert (record["status"], record["tags"], record["note"]) == ("success", {"watched": ""}, "still going")


def test_a_run_whose_recorder_was_killed_keeps_its_tags(fresh: Recorded) -> None:
    process = fresh.start("exec", "--task", "dies", "--", "cat", stdin=subprocess.PIPE)
    wait_for(lambda: fresh.run("runs", "list", "--json").stdout.count(b'"running"') == 1)
    fresh.ok("runs", "tag", "latest", "watched")
    process.kill()
    finish(process)
    record = shown(fresh)
    assert (record["status"], record["tags"]) == ("cancelled", {"watched": ""})


def test_of_many_taggers_at_once_none_is_lost(fresh: Recorded) -> None:
    one(fresh)
    taggers = [fresh.start("runs", "tag", "@", f"tag-{n}") for n in range(12)]
    assert [finish(tagger)[0] for tagger in taggers] == [0] * 12
    assert set(shown(fresh)["tags"]) == {f"tag-{n}" for n in range(12)}


def test_a_change_that_comes_while_another_is_being_taken_in_is_still_announced(fresh: Recorded) -> None:
    one(fresh)
    (run,) = open_stores(fresh.workspace)[0].list(RunQuery()).items
    annotate(fresh.workspace, run, lambda said: set_note(said, "first", 0))
    being_taken_in = spool.list_announcements(fresh.workspace.spool)
    annotate(fresh.workspace, run, lambda said: set_note(said, "second", 1))
    spool.remove(fresh.workspace.spool, [name for name, _, _ in being_taken_in])
    assert [a[1:] for a in spool.list_announcements(fresh.workspace.spool)] == [(spool.RUN, run.folder)]
    assert shown(fresh)["note"] == "second"
    assert spool.list_announcements(fresh.workspace.spool) == []


def test_a_collector_takes_annotations_in(
    fresh: Recorded,
    collector: subprocess.Popen[bytes],
) -> None:
    one(fresh)
    fresh.ok("runs", "tag", "@", "flaky")
    wait_for(lambda: shown(fresh)["tags"] == {"flaky": ""})


def test_several_runs_are_tagged_at_once_or_none_of_them(fresh: Recorded) -> None:
    for task in ("one", "two"):
        fresh.run("exec", "--task", task, "--", "true")
    assert fresh.ok("runs", "tag", "one,two", "both").count("tagged") == 2
    assert "no run named 'three'" in fresh.fails(1, "runs", "tag", "one,three", "never")
    assert shown(fresh, "one")["tags"] == {"both": ""}


def test_a_note_is_written_shown_replaced_and_taken_away(fresh: Recorded) -> None:
    one(fresh)
    fresh.ok("runs", "note", "@", "-", input=b"first\nsecond \xff\x1b[2J\n\n")
    assert fresh.ok("runs", "note", "@") == "first\nsecond \ufffd\x1b[2J\n"
    assert "Note:       first\n            second \ufffd\u241b[2J\n" in fresh.ok("runs", "show")
    fresh.ok("runs", "note", "@", "another")
    assert shown(fresh)["note"] == "another"
    fresh.ok("runs", "note", "@", "--clear")
    assert shown(fresh)["note"] is None
    assert fresh.run("runs", "note", "@").stderr.endswith(b"has no note\n")


def test_notes_that_make_no_sense_are_refused(fresh: Recorded) -> None:
    one(fresh)
    assert "longer than 64.0 KB" in fresh.fails(1, "runs", "note", "@", "-", input=b"x" * 1_000_000)
    assert "empty" in fresh.fails(2, "runs", "note", "@", "-", input=b" \n")
    assert "--clear" in fresh.fails(2, "runs", "note", "@", "text", "--clear")
    assert fresh.ok("runs", "note", "@", "-", input=b"x" * 65_536).startswith("noted")


def test_bad_tags_are_refused_here_as_at_exec(fresh: Recorded) -> None:
    one(fresh)
    for tag in ("=x", " ", "a\nb", "\x1b[2J", "x" * 201, "x=" + "y" * 4097):
        fresh.fails(2, "runs", "tag", "@", tag)
        fresh.fails(125, "exec", "--tag", tag, "--", "true")
    assert shown(fresh)["tags"] == {}
    fresh.fails(2, "runs", "tag", "@")


def test_a_value_may_be_anything_and_is_harmless_when_shown(fresh: Recorded) -> None:
    one(fresh)
    fresh.ok("runs", "tag", "@", "message=two\nlines \x1b]0;owned\x07")
    assert shown(fresh)["tags"] == {"message": "two\nlines \x1b]0;owned\x07"}
    text = fresh.ok("runs", "show")
    assert "\x1b" not in text
    assert "message=two" in text


def test_runs_that_do_not_exist_or_are_not_one_are_errors(fresh: Recorded) -> None:
    for _ in range(2):
        fresh.run("exec", "--task", "same", "--", "true")
    assert "ACODE-RUN-001" in fresh.fails(1, "runs", "tag", "nothing", "x")
    assert "ACODE-RUN-016" in fresh.fails(2, "runs", "tag", "same", "x")
    assert "ACODE-RUN-001" in fresh.fails(1, "runs", "tag", "@,", "x")
    assert "ACODE-RUN-001" in Recorded(fresh.root).fails(1, "runs", "note", "", "x")


def test_what_cannot_be_written_is_one_line_and_nothing_changes(fresh: Recorded) -> None:
    one(fresh)
    (fresh.folder() / "annotations.json").mkdir()
    assert "ACODE-ART-006" in fresh.fails(1, "runs", "tag", "@", "x")
    assert shown(fresh)["tags"] == {}


def test_a_damaged_or_hostile_file_costs_only_itself(fresh: Recorded, tmp_path: Path) -> None:
    one(fresh, "kept")
    path = fresh.folder() / "annotations.json"
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"tags": {"stolen": {"value": "x", "at": "now"}}}))
    bad = ("{", "[]", '{"tags": 1}', '{"tags": {"a": "b"}}', "[" * 100_000, '{"note": {"text": "\\ud800"}}')
    for text in bad:
        path.write_text(text)
        fresh.ok("runs", "reindex")
        assert shown(fresh)["tags"] == {"kept": ""}
        assert "ACODE-ART-007" in fresh.fails(1, "runs", "tag", "@", "x")
        assert path.read_text() == text
    path.unlink()
    path.symlink_to(secret)
    fresh.ok("runs", "reindex")
    assert shown(fresh)["tags"] == {"kept": ""}
    assert "ACODE-ART-006" in fresh.fails(1, "runs", "tag", "@", "x")


def test_a_command_cannot_pass_its_file_off_as_annotations(acode: Acode) -> None:
    text = json.dumps({"tags": {"fake": {"value": "", "at": ""}}})
    code = f"import pathlib; pathlib.Path('annotations.json').write_text({text!r})"
    acode.run("exec", "--collect", "*.json", "--", sys.executable, "-c", code)
    acode.run("runs", "list")
    assert json.loads(acode.run("runs", "show", "--json").stdout)["tags"] == {}
