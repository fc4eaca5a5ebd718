"""Whatever a run.json says, the indexer goes on: the record is refused, its neighbours are indexed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from collector.model.query import RunQuery
from collector.record import spool
from collector.store.indexer import Indexer
from tests.conftest import Acode, read_json
from tests.store.test_indexing import change

ODD: list[Any] = [
    None, 0, -1, 2**63, 2**70, 1e308, True, "", "\0", "\ud800", [], [1], ["a"], [{}], {}, {"a": {}},
    {"a": "\ud800"}, "0001-01-01T00:00:00+23:59", float("nan"),
]  # fmt: skip
RUN_FIELDS = [
    "start_time", "end_time", "session_id", "type", "environment", "tags", "tokens", "cost", "artifacts",
    "recorder", "arguments", "command_line",
]  # fmt: skip
ARTIFACT_FIELDS = ["artifact_id", "path", "type", "size_bytes", "created_at", "metadata", "checksum_sha256"]


@pytest.fixture
def indexer(acode: Acode) -> Iterator[Indexer]:
    for task in ("bad", "good"):
        acode.run("exec", "--task", task, "--", "sh", "-c", "echo x; exit 2")
    indexer = Indexer(acode.workspace)
    indexer.open()
    yield indexer
    indexer.close()


def index_everything(acode: Acode, indexer: Indexer) -> None:
    for folder in acode.folders():
        spool.announce(acode.workspace.spool, spool.END, folder.name)
    indexer.index_spool()
    assert indexer.seal_spool() == 0
    indexer.close_abandoned()
    indexer.adopt_unknown()
    indexer.reindex()
    assert "good" in {run.task for run in indexer.runs.list(RunQuery()).items}


@pytest.mark.parametrize("field", RUN_FIELDS)
@pytest.mark.parametrize("status", ["running", "failure"])
def test_no_field_of_a_run_stops_the_indexer(acode: Acode, indexer: Indexer, field: str, status: str) -> None:
    bad = acode.folders()[0]
    good = read_json(bad / "run.json")
    for value in ODD:
        change(bad, **{**good, "status": status, field: value})
        index_everything(acode, indexer)


@pytest.mark.parametrize("field", ARTIFACT_FIELDS)
def test_no_field_of_an_artifact_stops_the_indexer(acode: Acode, indexer: Indexer, field: str) -> None:
    bad = acode.folders()[0]
    artifact = read_json(bad / "run.json")["artifacts"][0]
    for value in ODD:
        change(bad, artifacts=[{**artifact, field: value}])
        index_everything(acode, indexer)
