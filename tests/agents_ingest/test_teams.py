"""What is kept of a team: every instance, whatever happened to its workspace."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from collector import clock, durable
from collector.agents import team_place, teams
from collector.agents.team_instance import is_own
from collector.agents.teams import (
    collect_team_artifacts,
    collection_metadata,
    list_collections,
    preserve_artifacts,
)
from collector.audit.log import iter_entries
from collector.errors import NotFoundError
from collector.model.session import AgentInstance, Session
from collector.record import collect, scan, spool
from collector.record.session_folder import folder_name, write_session
from collector.workspace import Workspace
from tests.agents_ingest.conftest import T0, Taking, ended, started

TEAM = "team-session-001"


def member(number: int, root: Path, **more: Any) -> AgentInstance:
    """An agent with a workspace of its own, which holds two files."""
    folder = root / "own" / f"agent-{number}"
    (folder / "sub").mkdir(parents=True, exist_ok=True)
    (folder / "result.csv").write_text(f"result {number}")
    (folder / "sub" / "notes.md").write_text("# notes")
    values: dict[str, Any] = {
        "instance_id": f"agent-{number}", "session_id": TEAM, "name": f"n{number}", "role": "developer",
        "model": "m-1", "created_at": T0, "terminated_at": T0 + 60_000 * number, "status": "ended",
        "tokens": {"input": 100 * number, "output": 10}, "cost": 0.25, "workspace": str(folder),
    }  # fmt: skip
    return AgentInstance(**(values | more))


def tell(taking: Taking, *instances: AgentInstance, session_id: str = TEAM, team: str | None = None) -> None:
    session = Session(session_id=session_id, team=team, status="ended", instances=instances)
    folder = Path(taking.workspace.sessions, folder_name(session_id))
    write_session(str(folder), session)
    spool.announce(taking.workspace.spool, spool.SESSION, folder.name)
    taking.index()


def root_of(taking: Taking) -> Path:
    return Path(taking.workspace.root)


def test_everything_of_a_team_lies_where_the_layout_says(taking: Taking) -> None:
    root = root_of(taking)
    tell(taking, member(1, root), member(2, root, parent_instance_id="agent-1"))
    found = collect_team_artifacts(TEAM, taking.workspace)
    assert (found["status"], found["team_session_id"], found["instances_count"]) == ("success", TEAM, 2)
    path = Path(found["artifacts_path"])
    assert path.parent == Path(taking.workspace.artifacts)
    assert path.name.endswith(f"-{TEAM}")
    for number in (1, 2):
        folder = path / "instances" / f"agent-{number}"
        assert (folder / "workspace" / "result.csv").read_text() == f"result {number}"
        assert (folder / "workspace" / "sub" / "notes.md").read_text() == "# notes"
        assert (folder / "output.log").is_file()
    metadata = json.loads((path / "metadata.json").read_text())
    assert metadata == found["metadata"]
    assert [one["parent_instance_id"] for one in metadata["instances"]] == [None, "agent-1"]
    assert metadata["totals"] == {
        "instances": 2, "tokens": {"input": 300, "output": 20}, "tokens_used": 320, "cost": 0.5,
        "duration_ms": 120_000, "runs": 0, "failed_runs": 0, "files": 4, "bytes": 2 * (8 + 7),
    }  # fmt: skip
    summary = (path / "summary.md").read_text()
    assert "- n1: developer" in summary
    assert "\n  - n2: developer" in summary
    assert [entry["action"] for entry in iter_entries(taking.workspace)] == ["collect"]


def test_the_index_holds_every_file_with_its_checksum(taking: Taking) -> None:
    tell(taking, member(1, root_of(taking)))
    path = Path(collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"])
    index = json.loads((path / "index.json").read_text())["files"]
    on_disk = {
        str(file.relative_to(path)) for file in (path / "instances").rglob("*")
        if file.is_file() and file.name != "instance.json"
    }  # fmt: skip
    assert {file["path"] for file in index} == on_disk
    for file in index:
        content = (path / file["path"]).read_bytes()
        assert (file["size_bytes"], file["checksum_sha256"]) == (
            len(content), hashlib.sha256(content).hexdigest(),
        )  # fmt: skip


def test_output_is_what_the_runs_of_an_instance_printed(taking: Taking) -> None:
    taking.take(started(), ended(stdout="made\n", exit_code=0))
    (run,) = taking.runs()
    assert run.session_id is not None
    found = collect_team_artifacts(run.session_id, taking.workspace)
    (log,) = Path(found["artifacts_path"]).glob("instances/*/output.log")
    assert log.read_text().startswith("$ make test\nmade\n[")
    assert found["metadata"]["instances"][0]["runs"] == 1


def test_an_unknown_team_is_an_error_without_a_folder(taking: Taking) -> None:
    found = collect_team_artifacts("nosuch", taking.workspace)
    assert (found["status"], found["error"]) == ("error", "No instances found for team session")
    assert (found["artifacts_path"], found["instances_count"]) == ("", 0)
    assert list(Path(taking.workspace.artifacts).iterdir()) == []


def test_what_was_preserved_outlives_its_workspace(taking: Taking) -> None:
    root = root_of(taking)
    tell(taking, member(1, root), member(2, root))
    preserve_artifacts("agent-1", "all it said", TEAM, taking.workspace)
    shutil.rmtree(root / "own" / "agent-1")
    shutil.rmtree(root / "own" / "agent-2")
    found = collect_team_artifacts(TEAM, taking.workspace)
    assert found["status"] == "partial"
    assert [text.partition(":")[0] for text in found["metadata"]["problems"]] == ["agent-2"]
    path = Path(found["artifacts_path"], "instances")
    assert (path / "agent-1" / "output.log").read_text() == "all it said"
    assert (path / "agent-1" / "workspace" / "result.csv").read_text() == "result 1"
    assert (path / "agent-2" / "output.log").is_file()
    assert "What is missing" in Path(found["artifacts_path"], "summary.md").read_text()


def test_an_instance_finds_its_session_by_itself_and_replaces_what_was_kept(taking: Taking) -> None:
    tell(taking, member(1, root_of(taking)))
    preserve_artifacts("agent-1", "first", None, taking.workspace)
    preserve_artifacts("agent-1", "second", None, taking.workspace)
    path = Path(collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"])
    assert (path / "instances" / "agent-1" / "output.log").read_text() == "second"
    with pytest.raises(NotFoundError):
        preserve_artifacts("nobody", "text", None, taking.workspace)


def test_an_instance_that_acode_never_saw_is_kept_for_its_team(taking: Taking) -> None:
    preserve_artifacts("stranger", "its words", "another-team", taking.workspace)
    found = collect_team_artifacts("another-team", taking.workspace)
    assert (found["status"], found["instances_count"]) == ("success", 1)


def test_a_team_can_be_several_sessions(taking: Taking) -> None:
    root = root_of(taking)
    tell(taking, member(1, root, session_id="s-a"), session_id="s-a", team="blue")
    tell(taking, member(2, root, session_id="s-b"), session_id="s-b", team="blue")
    found = collect_team_artifacts("blue", taking.workspace)
    assert found["instances_count"] == 2
    assert sorted(found["metadata"]["sessions"]) == ["s-a", "s-b"]


def test_a_hundred_instances_are_collected(taking: Taking) -> None:
    tell(taking, *(member(number, root_of(taking)) for number in range(100)))
    found = collect_team_artifacts(TEAM, taking.workspace)
    assert (found["status"], found["instances_count"]) == ("success", 100)
    assert found["metadata"]["totals"]["files"] == 200


@pytest.mark.parametrize(
    "instance_id", ["../../evil", "/etc/passwd", ".", "..", "a/b", "-rf", "x" * 300, "\x1b[2J", "ü"],
    ids=range(9),
)  # fmt: skip
def test_no_id_leads_out_of_the_collection(taking: Taking, instance_id: str) -> None:
    tell(taking, member(1, root_of(taking), instance_id=instance_id, name=None))
    preserve_artifacts(instance_id, "text", TEAM, taking.workspace)
    found = collect_team_artifacts(TEAM, taking.workspace)
    path = Path(found["artifacts_path"])
    (folder,) = (path / "instances").iterdir()
    assert (folder / "output.log").read_text() == "text"
    assert "\x1b" not in (path / "summary.md").read_text()
    assert {entry.name for entry in path.iterdir()} == {
        "instances", "metadata.json", "index.json", "summary.md",
    }  # fmt: skip


def test_links_are_not_followed_and_own_files_not_copied(taking: Taking, tmp_path: Path) -> None:
    instance = member(1, root_of(taking))
    outside = tmp_path / "secret"
    outside.write_text("foreign")
    folder = Path(str(instance.workspace))
    (folder / "link").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    tell(taking, instance)
    path = Path(collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"])
    copied = path / "instances" / "agent-1" / "workspace"
    assert sorted(str(file.relative_to(copied)) for file in copied.rglob("*") if file.is_file()) == [
        "result.csv", "sub/notes.md",
    ]  # fmt: skip


def test_of_a_shared_folder_only_what_changed_is_kept_and_nothing_of_acode(taking: Taking) -> None:
    root = root_of(taking)
    (root / "old.txt").write_text("from before")
    while time.time_ns() < (root / "old.txt").stat().st_ctime_ns + 100_000_000:
        pass  # a kernel's clock ticks some 100 times a second
    since = clock.now_ms()
    (root / "new.txt").write_text("by the agent")
    tell(taking, member(1, root, workspace=str(root), created_at=since, terminated_at=None))
    path = Path(collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"])
    copied = path / "instances" / "agent-1" / "workspace"
    assert {str(file.relative_to(copied)) for file in copied.rglob("*") if file.is_file()} == {
        "new.txt", "own/agent-1/result.csv", "own/agent-1/sub/notes.md",
    }  # fmt: skip


def test_a_folder_is_an_instances_own_below_the_workspace_or_named_after_it(tmp_path: Path) -> None:
    root = str(tmp_path / "work")
    assert is_own("abc-123-def", f"{root}/agents/1", root)
    assert is_own("abc-123-def", "/srv/abc-123-def", root)
    assert not is_own("abc-123-def", root, root)
    assert not is_own("abc-123-def", str(tmp_path), root)
    assert not is_own("abc-123-def", "/srv/somebody", root)
    assert not is_own("a", "/srv/data", root)


def test_an_unreadable_file_makes_the_result_partial(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = member(1, root_of(taking))
    tell(taking, instance)
    (Path(str(instance.workspace)) / "closed.txt").write_text("x")
    really_open = scan.open_beneath

    def refuse(root_fd: int, path: str) -> int:
        """Root reads everything, so the system's refusal is played."""
        if path == "closed.txt":
            raise PermissionError(13, "Permission denied", path)
        return really_open(root_fd, path)

    monkeypatch.setattr(collect, "open_beneath", refuse)
    found = collect_team_artifacts(TEAM, taking.workspace)
    assert found["status"] == "partial"
    assert found["metadata"]["problems"] == ["agent-1: closed.txt: permission denied"]
    path = Path(found["artifacts_path"], "instances", "agent-1", "workspace")
    assert (path / "result.csv").read_text() == "result 1"


def test_collecting_again_makes_another_collection_and_lists_the_newest_first(taking: Taking) -> None:
    tell(taking, member(1, root_of(taking)))
    first = collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"]
    second = collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"]
    assert first != second
    assert [found["artifacts_path"] for found in list_collections(taking.workspace)] == [second, first]
    assert collection_metadata(taking.workspace, TEAM)["artifacts_path"] == second
    assert collection_metadata(taking.workspace, Path(first).name)["artifacts_path"] == first
    with pytest.raises(NotFoundError):
        collection_metadata(taking.workspace, "nosuch")


def test_several_who_collect_at_once_do_not_disturb_each_other(taking: Taking) -> None:
    tell(taking, member(1, root_of(taking)))
    results: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: results.append(collect_team_artifacts(TEAM, taking.workspace)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found["status"] for found in results] == ["success"] * 4
    assert len({found["artifacts_path"] for found in results}) == 4


def test_a_collection_that_fails_in_the_middle_leaves_nothing(
    taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(taking, member(1, root_of(taking)))

    def full(path: str) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(durable, "sync_tree", full)
    found = collect_team_artifacts(TEAM, taking.workspace)
    assert found["status"] == "error"
    assert "No space left" in found["error"]
    assert list(Path(taking.workspace.artifacts).iterdir()) == []


def test_what_a_killed_collection_left_is_removed_a_day_later(
    taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(taking, member(1, root_of(taking)))
    left = Path(taking.workspace.artifacts, ".collecting-01M8DZZ9ZQFCC9CE67F3357HHN")
    left.mkdir()
    collect_team_artifacts(TEAM, taking.workspace)
    assert left.exists()
    monkeypatch.setattr(team_place, "_ABANDONED_SECONDS", -1)
    collect_team_artifacts(TEAM, taking.workspace)
    assert not left.exists()


def test_a_collection_is_not_taken_for_a_run(taking: Taking) -> None:
    tell(taking, member(1, root_of(taking)))
    path = collect_team_artifacts(TEAM, taking.workspace)["artifacts_path"]
    before = taking.runs()
    taking.indexer.adopt_unknown()
    taking.indexer.remove_orphans()
    taking.index()
    assert taking.runs() == before
    assert Path(path, "metadata.json").is_file()


def test_no_workspace_yet_is_no_error(tmp_path: Path) -> None:
    found = collect_team_artifacts(TEAM, Workspace(str(tmp_path)))
    assert found["error"] == teams._NO_INSTANCES
