"""A record that claims another run's identity, name or artifacts takes nothing from that run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.model.query import RunQuery
from collector.record import spool
from collector.store.indexer import Indexer
from tests.conftest import Acode, read_json

CLAIMED = "9999/01"
"""A folder of a name that is taken elsewhere: dated stores have such."""


@pytest.fixture
def victim(acode: Acode) -> Path:
    acode.run("exec", "--task", "victim", "--", "echo", "true words")
    return acode.folder()


@pytest.fixture
def indexer(acode: Acode, victim: Path) -> Iterator[Indexer]:
    assert victim.exists()
    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()
    indexer.seal_spool()
    yield indexer
    indexer.close()


def plant(victim: Path, place: str, **fields: object) -> Path:
    """Put a run folder beside another that says the same as it, but for these fields."""
    folder = victim.parent / place
    shutil.copytree(victim, folder)
    (folder / "stdout.txt").write_text("false words\n")
    record = {**read_json(victim / "run.json"), "name": folder.name, **fields}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def take_in(acode: Acode, indexer: Indexer, how: str, place: str) -> None:
    if how == "announced":
        spool.announce(acode.workspace.spool, spool.END, place)
        indexer.index_spool()
        indexer.seal_spool()
    elif how == "scanned":
        indexer.adopt_unknown()
    else:
        indexer.reindex()


WAYS = pytest.mark.parametrize("how", ["announced", "scanned", "reindexed"])
OTHER_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@WAYS
@pytest.mark.parametrize("status", ["success", "running"])
def test_a_folder_with_another_runs_identity_is_not_taken_for_it(
    acode: Acode, victim: Path, indexer: Indexer, how: str, status: str
) -> None:
    before = indexer.runs.list(RunQuery()).items
    plant(victim, "impostor", status=status)
    take_in(acode, indexer, how, "impostor")
    assert indexer.runs.list(RunQuery()).items == before
    assert indexer.artifacts.text(before[0].artifacts[0]) == "true words\n"


@WAYS
def test_a_folder_with_another_runs_name_does_not_push_it_out(
    acode: Acode, victim: Path, indexer: Indexer, how: str
) -> None:
    before = indexer.runs.list(RunQuery()).items
    plant(victim, f"{CLAIMED}/{victim.name}", run_id=OTHER_ID, artifacts=[])
    take_in(acode, indexer, how, f"{CLAIMED}/{victim.name}")
    assert indexer.runs.list(RunQuery()).items == before


@WAYS
def test_an_artifact_keeps_its_identity_whoever_claims_it(
    acode: Acode, victim: Path, indexer: Indexer, how: str
) -> None:
    own = read_json(victim / "run.json")["artifacts"]
    plant(victim, "impostor", run_id=OTHER_ID)
    take_in(acode, indexer, how, "impostor")
    run_id = read_json(victim / "run.json")["run_id"]
    assert [a.artifact_id for a in indexer.artifacts.by_run(run_id)] == [a["artifact_id"] for a in own]
    assert indexer.artifacts.text(indexer.artifacts.get(own[0]["artifact_id"])) == "true words\n"
    theirs = indexer.artifacts.by_run(OTHER_ID)
    assert [a.path for a in theirs] == [a["path"] for a in own]
    assert not {a.artifact_id for a in theirs} & {a["artifact_id"] for a in own}
    indexer.reindex()
    assert indexer.artifacts.by_run(OTHER_ID) == theirs


def test_a_run_whose_folder_was_moved_is_still_itself(acode: Acode, victim: Path, indexer: Indexer) -> None:
    place = victim.parent / "2026" / "01" / victim.name
    place.parent.mkdir(parents=True)
    victim.rename(place)
    take_in(acode, indexer, "announced", f"2026/01/{victim.name}")
    (run,) = indexer.runs.list(RunQuery()).items
    assert run.folder == f"2026/01/{victim.name}"


def test_what_an_impostor_claims_is_free_once_its_owner_is_deleted(
    acode: Acode, victim: Path, indexer: Indexer
) -> None:
    plant(victim, "impostor")
    shutil.rmtree(victim)
    take_in(acode, indexer, "reindexed", "impostor")
    assert [run.folder for run in indexer.runs.list(RunQuery()).items] == ["impostor"]
