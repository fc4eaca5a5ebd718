"""The index of texts: kept by the collector, by whoever searches without one, and made anew when damaged."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collector.daemon.control import request_delete
from collector.query.search import Hits, Search
from collector.store import open_stores, search_index, text_indexer, text_writing
from collector.store.indexer import Indexer
from collector.store.patterns import compile_text
from collector.store.search_reader import SearchStatistics, search_statistics
from collector.store.text_indexer import TextIndexer
from tests.conftest import PROJECT, Acode, wait_for

Process = subprocess.Popen[bytes]
LARGE = "seq 1 20000; echo {}"


def large(acode: Acode, word: str) -> None:
    """Record a run whose output is large enough for blocks of its own."""
    acode.run("exec", "--task", word, "--", "sh", "-c", LARGE.format(word))


def seal(acode: Acode) -> None:
    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()
    indexer.seal_spool()
    indexer.empty_trash()
    indexer.close()


def index(acode: Acode, **options: Any) -> TextIndexer:
    indexer = TextIndexer(acode.workspace, **options)
    while indexer.index_waiting(60):
        pass
    indexer.close()
    return indexer


def found(acode: Acode, text: str) -> list[tuple[str, str, int, int]]:
    runs, _ = open_stores(acode.workspace)
    try:
        hits = Hits(acode.workspace, runs, Search(pattern=compile_text(text)))
        return [(hit.run.task, hit.path, hit.line, hit.other_runs) for hit in hits]
    finally:
        runs.close()


def statistics(acode: Acode) -> SearchStatistics:
    return search_statistics(acode.workspace)


def test_the_collector_indexes_what_has_ended_and_says_what_waits(acode: Acode, collector: Process) -> None:
    for word in ("alpha", "beta"):
        large(acode, word)
    acode.exec("echo", "small")
    wait_for(lambda: (statistics(acode).texts, statistics(acode).waiting) == (2, 1))
    assert not statistics(acode).has_backlog
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]
    assert found(acode, "small") == [("echo", "stdout.txt", 1, 0)]


def test_the_collector_catches_up_with_runs_of_before(acode: Acode) -> None:
    for word in ("alpha", "beta", "gamma"):
        large(acode, word)
    seal(acode)
    assert statistics(acode) == SearchStatistics(0, 0, 0, 0, True)
    process = acode.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: statistics(acode).texts == 3 and not statistics(acode).has_backlog)
    process.terminate()
    assert process.wait(20) == 0
    assert found(acode, "beta") == [("beta", "stdout.txt", 20001, 0)]


def test_output_of_a_running_command_is_found(acode: Acode, collector: Process) -> None:
    process = acode.start(
        "exec", "--task", "live", "--", "sh", "-c", "echo first; echo needle; exec sleep 60"
    )
    assert process.stdout is not None
    process.stdout.readline()
    wait_for(lambda: Path(acode.workspace.database).exists())
    wait_for(lambda: found(acode, "needle") == [("live", "stdout.txt", 2, 0)])
    process.terminate()
    process.communicate(timeout=20)


def test_a_content_is_indexed_once_however_many_runs_have_it(acode: Acode) -> None:
    for _ in range(3):
        large(acode, "same")
    seal(acode)
    index(acode)
    assert statistics(acode).texts == 1
    assert found(acode, "same") == [("same", "stdout.txt", 20001, 2)]


def test_small_texts_share_a_block_and_only_whole_blocks_are_written(
    acode: Acode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_indexer, "MAX_IN_BLOCK", 4)
    monkeypatch.setattr(text_writing, "MAX_IN_BLOCK", 4)
    for number in range(6):
        acode.run("exec", "--task", f"t{number}", "--", "echo", f"word {number}")
    seal(acode)
    index(acode)
    assert (statistics(acode).texts, statistics(acode).waiting) == (4, 2)
    with sqlite3.connect(acode.workspace.search_database) as db:
        assert db.execute("SELECT count(DISTINCT block_id), count(*) FROM blocks").fetchone() == (1, 4)
    assert [task for task, *_ in found(acode, "word")] == [f"t{number}" for number in reversed(range(6))]


def delete(acode: Acode, task: str) -> None:
    (name,) = [folder.name for folder in acode.folders() if folder.name.startswith(f"{task}-")]
    acode.run("runs", "delete", name, "--force")
    seal(acode)


def test_what_only_a_deleted_run_had_goes_from_the_index(acode: Acode) -> None:
    for word in ("alpha", "beta", "gamma"):
        large(acode, word)
    seal(acode)
    index(acode)
    delete(acode, "beta")
    assert found(acode, "beta") == []
    index(acode)
    assert statistics(acode).texts == 2
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]


def test_what_another_run_still_has_stays(acode: Acode) -> None:
    for task in ("one", "two"):
        acode.run("exec", "--task", task, "--", "sh", "-c", LARGE.format("needle"))
    seal(acode)
    index(acode)
    delete(acode, "two")
    index(acode)
    assert statistics(acode).texts == 1
    assert found(acode, "needle") == [("one", "stdout.txt", 20001, 0)]


def test_a_part_that_is_mostly_gone_is_dropped_and_the_rest_indexed_again(
    acode: Acode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "PART_BYTES", 300_000)
    for word in ("alpha", "beta", "gamma", "delta", "epsilon"):
        large(acode, word)
    seal(acode)
    index(acode)
    with sqlite3.connect(acode.workspace.search_database) as db:
        parts = [row[0] for row in db.execute("SELECT part_id FROM parts ORDER BY part_id")]
    assert len(parts) == 2
    for word in ("alpha", "epsilon", "delta"):
        delete(acode, word)
    index(acode)
    with sqlite3.connect(acode.workspace.search_database) as db:
        left = [row[0] for row in db.execute("SELECT part_id FROM parts")]
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%fts5%'")}
    assert set(parts) - set(left)
    assert tables == {f"trigrams_{part}" for part in left}
    assert statistics(acode).texts == 2
    for word in ("beta", "gamma"):
        assert found(acode, word) == [(word, "stdout.txt", 20001, 0)]


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        for page in range(0, path.stat().st_size, 4096):
            file.seek(page + 100 if page == 0 else page)
            file.write(os.urandom(2000))


def test_a_damaged_index_is_set_aside_and_made_anew_and_nothing_is_missed_meanwhile(acode: Acode) -> None:
    for word in ("alpha", "beta"):
        large(acode, word)
    seal(acode)
    index(acode)
    path = Path(acode.workspace.search_database)
    damage(path)
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]
    assert Path(acode.workspace.search_damaged).exists()
    index(acode)
    assert path.with_name("search.db.corrupt").exists()
    assert not Path(acode.workspace.search_damaged).exists()
    assert statistics(acode).texts == 2
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]


def test_a_removed_index_is_made_anew(acode: Acode, collector: Process) -> None:
    large(acode, "alpha")
    wait_for(lambda: statistics(acode).texts == 1)
    for suffix in ("", "-wal", "-shm"):
        Path(acode.workspace.search_database + suffix).unlink(missing_ok=True)
    large(acode, "beta")
    wait_for(lambda: statistics(acode).texts == 2)


def test_an_index_of_another_database_of_runs_starts_over(acode: Acode) -> None:
    for word in ("alpha", "beta"):
        large(acode, word)
    seal(acode)
    index(acode)
    for suffix in ("", "-wal", "-shm"):
        Path(acode.workspace.database + suffix).unlink(missing_ok=True)
    large(acode, "gamma")
    seal(acode)
    for word in ("alpha", "beta", "gamma"):
        assert found(acode, word) == [(word, "stdout.txt", 20001, 0)]
    index(acode)
    assert statistics(acode).texts == 3
    assert not statistics(acode).has_backlog


def test_content_that_is_not_what_was_recorded_is_looked_through_instead(acode: Acode) -> None:
    large(acode, "alpha")
    seal(acode)
    folder = acode.folder()
    stored = next(path for path in folder.iterdir() if path.name.startswith("stdout.txt"))
    stored.unlink()
    (folder / "stdout.txt").write_text("changed by hand\n" * 5000)
    said: list[str] = []
    index(acode, log=lambda event, **_: said.append(event))
    assert said == ["text.unindexed"]
    assert (statistics(acode).texts, statistics(acode).waiting) == (0, 1)
    assert len(found(acode, "changed by hand")) == 5000


def test_told_to_stop_in_the_middle_of_a_text_it_waits_again(
    acode: Acode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_writing, "_COMMIT_BYTES", 1)
    large(acode, "alpha")
    seal(acode)
    asked: list[int] = []

    def may_go_on() -> bool:
        asked.append(1)
        return len(asked) < 5

    indexer = TextIndexer(acode.workspace, may_go_on=may_go_on)
    assert indexer.index_waiting(60)
    indexer.close()
    assert statistics(acode).texts == 0
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]
    index(acode)
    assert (statistics(acode).texts, statistics(acode).waiting) == (1, 0)


def test_killed_in_the_middle_it_begins_the_text_again(acode: Acode) -> None:
    large(acode, "alpha")
    seal(acode)
    code = (
        "import os\nfrom collector.store import text_indexer, text_writing\n"
        "from collector.workspace import Workspace\n"
        "text_writing._COMMIT_BYTES = 1\n"
        "asked = []\n"
        "def go_on():\n    asked.append(1)\n    return len(asked) < 5 or os._exit(9)\n"
        f"text_indexer.TextIndexer(Workspace({str(acode.root)!r}), may_go_on=go_on).index_waiting(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False, timeout=60)
    assert done.returncode == 9
    unfinished = "SELECT count(*) FROM contents WHERE indexed_at IS NULL"
    with sqlite3.connect(acode.workspace.search_database) as db:
        assert db.execute(unfinished).fetchone() == (1,)
    assert found(acode, "alpha") == [("alpha", "stdout.txt", 20001, 0)]
    index(acode)
    assert statistics(acode).texts == 1
    with sqlite3.connect(acode.workspace.search_database) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute(unfinished).fetchone() == (0,)


def test_deletion_through_the_collector_reaches_the_index(acode: Acode, collector: Process) -> None:
    for word in ("alpha", "beta"):
        large(acode, word)
    wait_for(lambda: statistics(acode).texts == 2)
    (run,) = [record for record in acode.records() if record["task"] == "alpha"]
    request_delete(acode.workspace, run["run_id"])
    wait_for(lambda: statistics(acode).texts == 1)
    assert found(acode, "alpha") == []
