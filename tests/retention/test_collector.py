"""The collector cleans up by itself, empties the trash, and says what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.clock import now_ms
from collector.retention.alerts import Alerts, list_alerts
from collector.retention.cleaner import Cleaner
from collector.retention.sweep import audit_what_waits, order_deletions
from collector.store import ballast, trash
from collector.store.deletions import (
    DELETE,
    Doomed,
    find_deletion,
    list_trashed,
    new_deletion,
    write_deletion,
)
from collector.store.indexer import Indexer
from tests.conftest import Acode, wait_for
from tests.retention.making import configure, make_run, nothing_dangles, record, runs_of, tasks_of


@contextmanager
def collecting(acode: Acode) -> Iterator[subprocess.Popen[bytes]]:
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def events(acode: Acode, name: str) -> list[dict[str, Any]]:
    path = Path(acode.workspace.collector_log)
    lines = path.read_text().splitlines() if path.exists() else []
    return [entry for line in lines if (entry := json.loads(line))["event"] == name]


def look(acode: Acode) -> None:
    """What the collector's thread does, and then what its first thread does of it."""
    Cleaner(acode.workspace, lambda event, **fields: None, lambda: True).look_around()
    runs_of(acode)


def test_a_collector_cleans_up_when_it_starts(acode: Acode) -> None:
    configure(acode, enabled=True, maxAge="30d")
    record(acode, "old", days=40)
    record(acode, "new")
    with collecting(acode):
        wait_for(lambda: events(acode, "run.deleted") and len(acode.folders()) == 1)
    assert tasks_of(acode) == ["new"]
    (done,) = events(acode, "cleanup")
    assert (done["runs"], done["orphans"]) == (1, 0)
    assert done["bytes"] == 16384


def test_a_run_that_crosses_a_limit_makes_the_oldest_go(acode: Acode) -> None:
    configure(acode, autoPrune=True, maxCount=3, minAge="0s")
    for number in range(3):
        record(acode, f"t{number}", days=3 - number)
    with collecting(acode):
        wait_for(lambda: Path(acode.workspace.collector_pid).exists())
        acode.run("exec", "--task", "last", "--", "true")
        wait_for(lambda: len(events(acode, "run.deleted")) == 1)
    assert tasks_of(acode) == ["t1", "t2", "last"]


def test_nothing_is_deleted_unless_somebody_said_so(acode: Acode) -> None:
    configure(acode, maxCount=1, minAge="0s", maxSize="1KB")
    record(acode, "a", days=400)
    record(acode, "b", days=300)
    look(acode)
    assert tasks_of(acode) == ["a", "b"]
    assert [alert.code for alert in list_alerts(acode.workspace)] == ["ACODE-RUN-004"]


def test_an_alert_is_said_where_one_looks_and_ends(acode: Acode) -> None:
    configure(acode, maxSize="1KB")
    record(acode, "a", days=1)
    look(acode)
    status = json.loads(acode.run("collector", "status", "--json").stdout)
    assert [alert["code"] for alert in status["alerts"]] == ["ACODE-RUN-004"]
    assert b"ACODE-RUN-004" in acode.run("doctor").stdout
    configure(acode, maxSize="1GB")
    look(acode)
    assert list_alerts(acode.workspace) == ()
    assert not Path(acode.workspace.alerts).exists()


def test_an_alert_is_logged_once_when_it_begins_and_once_when_it_ends(acode: Acode) -> None:
    acode.workspace.create()
    said: list[str] = []
    alerts = Alerts(acode.workspace, lambda event, **fields: said.append(event))
    for wrong in ({}, {"disk": "full"}, {"disk": "fuller"}, {"disk": "full"}, {}, {}):
        alerts.update(wrong, 7)
    assert said == ["alert.begun", "alert.ended"]


@pytest.mark.parametrize("text", ["", "[]", '{"alerts": [1]}', '{"alerts": [{"code": "x"}]}', "[" * 99_999])
def test_damaged_alerts_are_none(acode: Acode, text: str) -> None:
    acode.workspace.create()
    Path(acode.workspace.alerts).write_text(text)
    assert list_alerts(acode.workspace) == ()


def test_a_schedule_that_is_none_is_an_alert_and_deletes_nothing(acode: Acode) -> None:
    configure(acode, enabled=True, schedule="whenever")
    record(acode, "old", days=400)
    cleaner = Cleaner(acode.workspace, lambda event, **fields: None, lambda: True)
    cleaner.look_around()
    cleaner.look_around()
    assert [alert.code for alert in list_alerts(acode.workspace)] == ["ACODE-RUN-010"]


def test_the_trash_is_emptied_after_its_time_and_not_before(acode: Acode) -> None:
    record(acode, "a", days=1)
    run = runs_of(acode)[0]
    list(order_deletions(acode.workspace, [Doomed(run.run_id, run.name, run.folder)], DELETE))
    runs_of(acode)
    look(acode)
    assert [r.run_id for r in list_trashed(acode.workspace, 1)] == [run.run_id]
    configure(acode, trashTime="0")
    look(acode)
    assert os.listdir(acode.workspace.trash) == []  # noqa: PTH208


def test_a_trash_time_in_the_future_keeps(acode: Acode) -> None:
    """What was deleted while the clock was wrong."""
    record(acode, "a", days=1)
    run = runs_of(acode)[0]
    deletion = new_deletion(DELETE, [Doomed(run.run_id, run.name, run.folder)])
    Path(acode.workspace.trash).mkdir()
    write_deletion(
        acode.workspace, type(deletion)("01ZZZZZZZZZZZZZZZZZZZZZZZZ", DELETE, now_ms() * 2, deletion.runs)
    )
    trash.put(acode.workspace, str(acode.folder()), run.run_id)
    configure(acode, trashTime="0")
    look(acode)
    assert trash.find(acode.workspace, run.run_id)


def test_trash_and_runs_together_keep_the_limit(acode: Acode) -> None:
    configure(acode, enabled=True, maxSize="250KB", minAge="0s")
    for number in range(5):
        record(acode, f"t{number}", days=5 - number, content=os.urandom(90_000))
    cleaner = Cleaner(acode.workspace, lambda event, **fields: None, lambda: True)
    cleaner.look_around()
    assert tasks_of(acode) == ["t3", "t4"]
    cleaner.look_around()
    assert len(list_trashed(acode.workspace, 1)) <= 1
    nothing_dangles(acode.workspace)


def test_a_tag_given_after_the_decision_spares_a_run(acode: Acode) -> None:
    record(acode, "a", days=1)
    run = runs_of(acode)[0]
    acode.run("runs", "tag", "latest", "keep")
    doomed = [Doomed(run.run_id, run.name, run.folder)]
    list(order_deletions(acode.workspace, doomed, preserve_tags=("keep",)))
    assert tasks_of(acode) == ["a"]


def test_a_deletion_that_could_not_be_audited_is_audited_later(acode: Acode) -> None:
    record(acode, "a", days=1)
    run = runs_of(acode)[0]
    log = Path(acode.workspace.folder, "audit.jsonl")
    log.unlink(missing_ok=True)
    log.mkdir()
    (order,) = order_deletions(acode.workspace, [Doomed(run.run_id, run.name, run.folder)], DELETE)
    assert tasks_of(acode) == []
    assert audit_what_waits(acode.workspace) == 1
    log.rmdir()
    assert audit_what_waits(acode.workspace) == 0
    assert order.deletion_id in log.read_text()
    assert find_deletion(acode.workspace, order.deletion_id) == order


def test_a_row_that_came_back_after_a_crash_of_the_machine_goes(acode: Acode) -> None:
    folder = record(acode, "a", days=1)
    run = runs_of(acode)[0]
    trash.put(acode.workspace, str(folder), run.run_id)
    indexer = Indexer(acode.workspace)
    indexer.open()
    assert (indexer.forget_trashed(), indexer.forget_trashed()) == (1, 0)
    indexer.close()
    assert tasks_of(acode) == []


def test_another_run_that_took_the_name_stays(acode: Acode) -> None:
    """A request that is carried out again after a crash, when the name has been given out anew."""
    record(acode, "a", days=1)
    old = runs_of(acode)[0]
    doomed = Doomed(old.run_id, old.name, old.folder)
    list(order_deletions(acode.workspace, [doomed], DELETE))
    runs_of(acode)
    make_run(acode.workspace, "a", days=1).rename(Path(acode.workspace.artifacts, "later"))
    taken = Path(acode.workspace.artifacts, old.name)
    Path(acode.workspace.artifacts, "later").rename(taken)
    record_text = (taken / "run.json").read_text()
    (taken / "run.json").write_text(json.dumps(json.loads(record_text) | {"name": old.name}))
    list(order_deletions(acode.workspace, [doomed], DELETE))
    runs_of(acode)
    assert taken.is_dir()


@pytest.mark.parametrize(
    "text", ["", "\n\n", "{}\n[]\n", "\0" * 100, '{"keep_ms": "x"}\n{"run_id": "../../x"}\n']
)
def test_a_damaged_request_deletes_nothing_and_is_done_with(acode: Acode, text: str) -> None:
    record(acode, "a", days=1)
    request = "01M8E0A2NFQM7KNED4AQMV43N9"
    Path(acode.workspace.trash).mkdir()
    Path(acode.workspace.trash, f"{request}.deletion").write_text(text)
    Path(acode.workspace.spool, f"{request}.delete").touch()
    assert tasks_of(acode) == ["a"]
    assert os.listdir(acode.workspace.spool) == []  # noqa: PTH208


def test_the_ballast_is_made_where_there_is_room_and_let_go_of(acode: Acode) -> None:
    acode.workspace.create()
    size = ballast.keep(acode.workspace)
    assert size in (0, Path(acode.workspace.ballast).stat().st_blocks * 512)
    assert ballast.release(acode.workspace) == size
    assert not Path(acode.workspace.ballast).exists()
