"""`acode runs optimize` and `recover`, in place of a collector and through one."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Recorded
from tests.conftest import wait_for


@pytest.fixture(params=["alone", "with a collector"])
def busy(request: pytest.FixtureRequest, fresh: Recorded) -> Iterator[Recorded]:
    """A workspace with three runs, whoever writes its database."""
    for word in ("one", "two", "three"):
        fresh.exec("echo", word)
    fresh.ok("runs", "list", "--json")
    if request.param == "alone":
        yield fresh
        return
    process = fresh.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: Path(fresh.workspace.collector_pid).exists())
    yield fresh
    process.terminate()
    process.wait(10)


def on_database(acode: Recorded, *statements: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(acode.workspace.database, timeout=20) as database:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = database.execute(statement).fetchall()
            database.commit()
    database.close()
    return rows


def damage(acode: Recorded) -> None:
    """Overwrite the middle of every page but the first."""
    on_database(acode, "PRAGMA wal_checkpoint(TRUNCATE)")
    with Path(acode.workspace.database).open("r+b") as file:
        size = file.seek(0, 2)
        for page in range(4096, size, 4096):
            file.seek(page)
            file.write(b"\xff" * 200)


def test_optimize_gives_back_what_was_free(busy: Recorded) -> None:
    blobs = "INSERT INTO big SELECT zeroblob(4000) FROM generate_series"
    blobs = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) " + blobs.replace(
        "generate_series", "n"
    )
    on_database(busy, "CREATE TABLE big (x)", blobs, "DROP TABLE big", "PRAGMA wal_checkpoint(TRUNCATE)")
    before = Path(busy.workspace.database).stat().st_size
    assert before > 2000 * 4000
    report = busy.json("runs", "optimize", "--json")
    assert report["before_bytes"] >= before
    assert report["freed_bytes"] > 2000 * 4000
    assert Path(busy.workspace.database).stat().st_size < before / 4
    assert len(busy.json("runs", "list", "--json")) == 3


def test_optimize_lets_the_planner_know_the_tables(busy: Recorded) -> None:
    assert "sound" in busy.ok("runs", "optimize")
    tables = {row[0] for row in on_database(busy, "SELECT tbl FROM sqlite_stat1")}
    assert {"runs", "artifacts"} <= tables


def test_optimize_merges_a_full_text_index(fresh: Recorded) -> None:
    fresh.exec("true")
    fresh.ok("runs", "list", "--json")
    words = [f"INSERT INTO words VALUES ('word{n} again')" for n in range(10)]
    segments = "SELECT count(DISTINCT segid) FROM words_idx"
    on_database(fresh, "CREATE VIRTUAL TABLE words USING fts5(text)", *words)
    assert on_database(fresh, segments) != [(1,)]
    fresh.ok("runs", "optimize")
    assert on_database(fresh, segments) == [(1,)]


def test_optimize_in_an_empty_workspace_is_one_line(fresh: Recorded) -> None:
    assert "ACODE-RUN-001" in fresh.fails(1, "runs", "optimize")


def test_recover_leaves_a_sound_database_alone(busy: Recorded) -> None:
    before = Path(busy.workspace.database).stat().st_ino
    assert busy.json("runs", "recover", "--json") == {
        "damaged": False, "rebuilt": False, "kept_as": [], "runs": 3,
    }  # fmt: skip
    assert Path(busy.workspace.database).stat().st_ino == before
    assert "sound: 3 runs" in busy.ok("runs", "recover")


def test_recover_rebuilds_a_damaged_database_and_keeps_it(fresh: Recorded) -> None:
    for word in ("one", "two"):
        fresh.run("exec", "--tag", word, "--", "echo", word)
    before = fresh.json("runs", "list", "--json")
    damage(fresh)
    broken = Path(fresh.workspace.database).read_bytes()
    report = fresh.json("runs", "recover", "--json")
    assert (report["damaged"], report["rebuilt"], report["runs"]) == (True, True, 2)
    (kept,) = report["kept_as"]
    assert Path(kept).read_bytes() == broken
    assert fresh.json("runs", "list", "--json") == before
    assert "sound" in fresh.ok("runs", "recover")


def test_the_collector_recovers_what_was_damaged_under_it(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    damage(fresh)
    process = fresh.start("collector", "run", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: Path(fresh.workspace.collector_pid).exists())
    try:
        report = fresh.json("runs", "recover", "--json")
        assert report["runs"] == 1
    finally:
        process.terminate()
        process.wait(10)
    assert len(list(Path(fresh.workspace.folder).glob("runs.db.corrupt-*"))) == 1
    assert "sound" in fresh.ok("runs", "recover")


def test_recover_makes_a_database_that_is_gone(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    for path in Path(fresh.workspace.folder).glob("runs.db*"):
        path.unlink()
    assert "made from the run folders: 1 run" in fresh.ok("runs", "recover")


def test_a_newer_database_is_not_touched(fresh: Recorded) -> None:
    fresh.exec("echo", "one")
    fresh.ok("runs", "list", "--json")
    on_database(fresh, "PRAGMA user_version = 99")
    for verb in ("optimize", "recover"):
        assert "ACODE-RUN-025" in fresh.fails(1, "runs", verb)
    assert on_database(fresh, "PRAGMA user_version") == [(99,)]
