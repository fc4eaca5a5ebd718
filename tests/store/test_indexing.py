"""From run folders to rows: announced, scanned, damaged, hostile, cut short."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collector.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    InputError,
    NotFoundError,
    UnavailableError,
)
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.record import spool
from collector.store import open_stores
from collector.store.database import open_reader, open_writer
from collector.store.indexer import Indexer, reindex
from collector.store.lock import WriterLock, is_write_locked
from collector.store.runs import SqliteRunStore
from collector.store.waiting import index_waiting
from tests.conftest import Acode, read_json


@pytest.fixture
def indexer(acode: Acode) -> Iterator[Indexer]:
    acode.workspace.create()
    indexer = Indexer(acode.workspace)
    indexer.open()
    yield indexer
    indexer.close()


def change(folder: Path, **fields: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**read_json(path), **fields}))


def only_run(acode: Acode) -> Run:
    runs, _ = open_stores(acode.workspace)
    (run,) = runs.list(RunQuery()).items
    runs.close()
    return run


def test_a_run_is_indexed_sealed_and_readable(acode: Acode) -> None:
    acode.exec("sh", "-c", "echo out; echo err >&2; exit 3")
    index_waiting(acode.workspace)
    run = only_run(acode)
    assert (run.status, run.exit_code, run.output_bytes) == ("failure", 3, 8)
    expected = ["stdout.txt", "stderr.txt", "output.txt", "error.json", "logs.jsonl"]
    assert [a.path for a in run.artifacts] == expected
    runs, artifacts = open_stores(acode.workspace)
    assert artifacts.text(run.artifacts[0]) == "out\n"
    assert all(artifacts.verify(artifact) for artifact in artifacts.by_run(run.run_id))
    assert sorted(artifacts.text(run.artifacts[2]).splitlines()) == ["err", "out"]
    assert spool.list_announcements(acode.workspace.spool) == []
    assert run.to_json() == {**read_json(acode.folder() / "run.json"), "note": None}
    runs.close()


def test_indexing_twice_changes_nothing(acode: Acode) -> None:
    acode.exec("echo", "x")
    index_waiting(acode.workspace)
    before = (only_run(acode), (acode.folder() / "run.json").read_bytes())
    for kind in (spool.RUN, spool.END, spool.SEAL):
        spool.announce(acode.workspace.spool, kind, acode.folder().name)
    index_waiting(acode.workspace)
    reindex(acode.workspace)
    assert before == (only_run(acode), (acode.folder() / "run.json").read_bytes())


def test_output_is_linked_when_stderr_is_empty(acode: Acode) -> None:
    acode.exec("echo", "x")
    index_waiting(acode.workspace)
    assert (acode.folder() / "output.txt").stat().st_ino == (acode.folder() / "stdout.txt").stat().st_ino


def test_no_combined_copy_of_large_output(acode: Acode) -> None:
    acode.exec("sh", "-c", "head -c 2000000 /dev/zero; echo e >&2")
    index_waiting(acode.workspace)
    assert not (acode.folder() / "output.txt").exists()


def test_the_database_is_rebuilt_from_the_folders_alone(acode: Acode) -> None:
    for i in range(5):
        acode.run("exec", "--tag", f"n={i}", "--", "sh", "-c", f"exit {i}")
    index_waiting(acode.workspace)
    runs, _ = open_stores(acode.workspace)
    before = [replace(run, seq=0) for run in runs.list(RunQuery()).items]
    runs.close()
    for path in Path(acode.workspace.folder).glob("runs.db*"):
        path.unlink()
    report = reindex(acode.workspace)
    assert (report.indexed, report.removed, report.damaged) == (5, 0, [])
    runs, _ = open_stores(acode.workspace)
    assert [replace(run, seq=0) for run in runs.list(RunQuery()).items] == before
    runs.close()


def test_reindex_forgets_runs_whose_folder_is_gone(acode: Acode) -> None:
    acode.exec("true")
    index_waiting(acode.workspace)
    shutil.rmtree(acode.folder())
    assert reindex(acode.workspace).removed == 1


def test_a_folder_that_nothing_announces_is_adopted(acode: Acode, indexer: Indexer) -> None:
    acode.exec("echo", "x")
    for path in Path(acode.workspace.spool).iterdir():
        path.unlink()
    assert indexer.adopt_unknown() == 1
    assert indexer.adopt_unknown() == 0
    assert indexer.runs.count(RunQuery()) == 1


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b'{"run_id": 1}', b"\xff\xfe", b'{"a":' * 100_000], ids=range(7)
)
def test_a_corrupt_record_is_named_and_harms_nothing_else(acode: Acode, damage: bytes) -> None:
    acode.run("exec", "--task", "good", "--", "true")
    acode.run("exec", "--task", "bad", "--", "true")
    bad = next(folder for folder in acode.folders() if folder.name.startswith("bad"))
    (bad / "run.json").write_bytes(damage)
    index_waiting(acode.workspace)
    assert only_run(acode).task == "good"
    report = reindex(acode.workspace)
    assert [name for name, _ in report.damaged] == [bad.name]
    assert (bad / "run.json").read_bytes() == damage


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../../evil"}, {"name": "other"}, {"status": "odd"}, {"start_time": "yesterday"},
        {"exit_code": "0"}, {"run_id": None}, {"artifacts": 5}, {"exit_code": 2**70}, {"end_time": None},
        {"command_line": 7},
    ],
)  # fmt: skip
def test_a_record_that_no_store_should_hold_is_refused(acode: Acode, fields: dict[str, object]) -> None:
    acode.exec("true")
    change(acode.folder(), **fields)
    report = reindex(acode.workspace)
    assert (report.indexed, len(report.damaged)) == (0, 1)


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "link", "a/../../x", "", "x\0"])
def test_an_artifact_cannot_lie_outside_its_folder(acode: Acode, path: str) -> None:
    acode.exec("echo", "x")
    folder = acode.folder()
    (folder / "link").symlink_to("/etc/passwd")
    artifact = {**read_json(folder / "run.json")["artifacts"][0], "path": path}
    change(folder, artifacts=[artifact])
    index_waiting(acode.workspace)
    assert [a.path for a in only_run(acode).artifacts if a.type == "stdout"] == []


def test_a_symbolic_link_in_a_run_folder_is_not_followed(acode: Acode) -> None:
    acode.exec("echo", "x")
    (acode.folder() / "stdout.txt").unlink()
    (acode.folder() / "stdout.txt").symlink_to("/etc/passwd")
    index_waiting(acode.workspace)
    runs, artifacts = open_stores(acode.workspace)
    for artifact in only_run(acode).artifacts:
        if artifact.path in ("stdout.txt", "output.txt"):
            with pytest.raises(Exception, match=r"ACODE-ART-0(09|11)"):
                artifacts.text(artifact)
    runs.close()


def test_a_linked_run_folder_is_no_run(acode: Acode, tmp_path: Path) -> None:
    acode.exec("true")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(acode.folder(), elsewhere)
    name = read_json(elsewhere / "run.json")["name"]
    (Path(acode.workspace.artifacts) / name).symlink_to(elsewhere)
    spool.announce(acode.workspace.spool, spool.RUN, name)
    assert reindex(acode.workspace).indexed == 0


@pytest.mark.parametrize("subject", ["../../etc", "..", "%2Fetc", "no-such-run", "x" * 200])
def test_a_hostile_announcement_is_dropped(acode: Acode, subject: str) -> None:
    acode.workspace.create()
    for kind in (spool.RUN, spool.DELETE, spool.SEAL):
        Path(acode.workspace.spool, f"{subject.replace('/', '%2F')}.{kind}").touch()
    index_waiting(acode.workspace)
    assert spool.list_announcements(acode.workspace.spool) == []


def test_missing_files_are_flagged_not_raised(acode: Acode) -> None:
    acode.exec("echo", "x")
    index_waiting(acode.workspace)
    (acode.folder() / "stdout.txt").unlink()
    runs, artifacts = open_stores(acode.workspace)
    run = only_run(acode)
    assert [a.missing for a in artifacts.by_run(run.run_id)] == [True, False, False]
    with pytest.raises(NotFoundError, match="ACODE-ART-011"):
        artifacts.open(run.artifacts[0])
    runs.close()


def test_a_changed_file_fails_its_checksum(acode: Acode) -> None:
    acode.exec("echo", "x")
    index_waiting(acode.workspace)
    (acode.folder() / "stdout.txt").write_text("y\n")
    runs, artifacts = open_stores(acode.workspace)
    assert not artifacts.verify(only_run(acode).artifacts[0])
    runs.close()


# A damaged database


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty", "page"])
def test_a_damaged_database_is_set_aside_and_rebuilt(acode: Acode, damage: str) -> None:
    for _ in range(3):
        acode.exec("echo", "x")
    index_waiting(acode.workspace)
    path = Path(acode.workspace.database)
    data = path.read_bytes()
    harm = {
        "garbage": b"this is no database" * 1000, "truncated": data[: len(data) // 2 + 100], "empty": b"",
        "page": data[:4096] + os.urandom(4096) + data[8192:],
    }  # fmt: skip
    path.write_bytes(harm[damage])
    acode.exec("echo", "one more")
    index_waiting(acode.workspace)
    if damage in ("truncated", "page"):
        reindex(acode.workspace)
    runs, _ = open_stores(acode.workspace)
    assert runs.count(RunQuery()) == 4
    runs.close()
    kept = list(Path(acode.workspace.folder).glob("runs.db.corrupt-*"))
    assert kept == [] if damage == "empty" else kept[0].read_bytes()[:100] == harm[damage][:100]


def test_a_newer_database_is_left_alone(acode: Acode, indexer: Indexer) -> None:
    connection = open_writer(acode.workspace.database)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(CorruptError, match="ACODE-RUN-025"):
        open_reader(acode.workspace.database)


def test_no_database_is_said_as_such(acode: Acode) -> None:
    with pytest.raises(UnavailableError, match="ACODE-RUN-005"):
        open_stores(acode.workspace)


# One writer


def test_there_is_one_writer_at_a_time(acode: Acode, indexer: Indexer) -> None:
    assert is_write_locked(acode.workspace)
    with pytest.raises(BusyError, match="ACODE-RUN-022"):
        Indexer(acode.workspace).open()


def test_a_reader_leaves_the_work_to_the_writer(acode: Acode, indexer: Indexer) -> None:
    acode.exec("true")
    index_waiting(acode.workspace)
    assert len(spool.list_announcements(acode.workspace.spool)) == 2


def test_the_lock_is_free_when_its_holder_dies(acode: Acode) -> None:
    acode.workspace.create()
    pid = os.fork()
    if pid == 0:
        WriterLock(acode.workspace).try_acquire()
        os._exit(0)
    os.waitpid(pid, 0)
    assert not is_write_locked(acode.workspace)


# Finished is finished


def test_a_finished_run_cannot_be_changed(acode: Acode, indexer: Indexer) -> None:
    acode.exec("true")
    indexer.index_spool()
    run = indexer.runs.list(RunQuery()).items[0]
    with pytest.raises(ConflictError, match="ACODE-RUN-027"):
        indexer.runs.write([replace(run, exit_code=1)])
    connection = open_writer(acode.workspace.database)
    with pytest.raises(Exception, match="a finished run cannot be changed"):
        connection.execute("UPDATE runs SET exit_code = 1")
    connection.close()


def test_deleting_removes_row_and_folder(acode: Acode) -> None:
    acode.exec("echo", "x")
    index_waiting(acode.workspace)
    run = only_run(acode)
    spool.announce(acode.workspace.spool, spool.DELETE, run.run_id)
    index_waiting(acode.workspace)
    assert acode.folders() == []
    assert [path.name for path in Path(acode.workspace.trash).iterdir()] == [run.run_id]
    runs, _ = open_stores(acode.workspace)
    assert runs.count(RunQuery()) == 0
    assert [event.kind for event in runs.events(0)][-1] == "run.deleted"
    runs.close()


def test_a_running_run_is_not_deleted(acode: Acode, indexer: Indexer) -> None:
    process = acode.start("exec", "--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None
    process.stdout.readline()
    while not spool.list_announcements(acode.workspace.spool):
        pass
    indexer.index_spool()
    run = indexer.runs.list(RunQuery()).items[0]
    spool.announce(acode.workspace.spool, spool.DELETE, run.run_id)
    indexer.index_spool()
    assert indexer.runs.exists(run.run_id)
    process.terminate()
    process.communicate()


# Stores


def test_paging_by_cursor_sees_every_run_once(tmp_path: Path) -> None:
    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    made = [make_run(i, start_time=1000 + i // 7) for i in range(100)]
    store.write(made)
    for sort in ("start_time", "duration_ms", "exit_code", "task"):
        for descending in (True, False):
            query = RunQuery(sort=sort, descending=descending, limit=9)
            seen: list[str] = []
            while True:
                page = store.list(query)
                seen += [run.run_id for run in page.items]
                if page.next_cursor is None:
                    break
                query = replace(query, after=page.next_cursor)
            assert len(seen) == 100
            assert set(seen) == {run.run_id for run in made}
    store.close()


def test_any_slice_is_part_of_the_whole(tmp_path: Path) -> None:
    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    store.write([make_run(i) for i in range(97)])
    query = RunQuery((Term("status", ("success",)),), limit=1000)
    whole = [run.run_id for run in store.list(query).items]
    outline = store.outline(query, step=10)
    assert outline.total == len(whole)
    for start in range(0, len(whole) + 5, 7):
        assert [run.run_id for run in store.slice(query, outline, start, 13)] == whole[start : start + 13]
    store.close()


def make_run(i: int, **fields: object) -> Run:
    """Return a finished run; every third failed."""
    values: dict[str, object] = {
        "run_id": f"01ARZ3NDEKTSV4RRFFQ69G{i:04}", "name": f"t-{i}", "task": f"t{i % 5}", "command": "c",
        "command_line": f"c {i}",
        "status": "failure" if i % 3 == 0 else "success", "exit_code": 1 if i % 3 == 0 else 0,
        "start_time": 1000 + i, "end_time": 2000 + i, "duration_ms": None if i % 10 == 0 else i * 7 % 50,
        "folder": f"t-{i}",
    }  # fmt: skip
    return Run(**(values | fields))  # type: ignore[arg-type]


def test_events_tell_what_happened_in_order(tmp_path: Path) -> None:
    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    running = make_run(1, status="running", end_time=None, exit_code=None)
    store.create(running)
    store.finish(make_run(1))
    known = store.last_event_id()
    store.delete(running.run_id)
    assert [event.kind for event in store.events(0)] == ["run.created", "run.finished", "run.deleted"]
    assert [event.kind for event in store.events(known)] == ["run.deleted"]
    store.close()


@pytest.mark.parametrize(
    "fields", [{"status": "odd"}, {"run_id": ""}, {"end_time": None}, {"exit_code": 2**64}]
)
def test_a_store_validates_what_it_is_given(tmp_path: Path, fields: dict[str, object]) -> None:
    store = SqliteRunStore(open_writer(str(tmp_path / "runs.db")))
    with pytest.raises(InputError, match="ACODE-RUN-027"):
        store.create(make_run(1, **fields))
    assert store.count(RunQuery()) == 0
    store.close()


def test_every_filter_of_the_first_screen_has_an_index(tmp_path: Path) -> None:
    from collector.store.plan import plan as plan_of
    from collector.store.where import order

    connection = open_writer(str(tmp_path / "runs.db"))
    fields: dict[str, str | int] = {
        "status": "failure", "type": "test", "task": "t", "session_id": "s", "exit_code": 1, "run_id": "0",
    }  # fmt: skip
    some = make_run(1, status="failure", type="test", task="t", session_id="s", exit_code=1)
    SqliteRunStore(connection).write([some])
    for field, value in fields.items():
        query = RunQuery((Term(field, (value,)),))
        condition, parameters = plan_of(connection, query)
        sql = f"EXPLAIN QUERY PLAN SELECT seq FROM runs WHERE {condition} ORDER BY {order(query)} LIMIT 50"
        plan = " ".join(str(row[3]) for row in connection.execute(sql, parameters))
        assert "SEARCH" in plan, (field, plan)
    plan = " ".join(
        str(row[3])
        for row in connection.execute(
            "EXPLAIN QUERY PLAN SELECT seq FROM runs ORDER BY start_time DESC, seq DESC"
        )
    )
    assert "USING COVERING INDEX runs_by_time" in plan
    connection.close()
