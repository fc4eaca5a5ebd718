"""No hostile bundle is accepted, none writes anything anywhere, and the store stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.bundle import ImportOptions, import_bundle, verify_bundle
from collector.errors import AcodeError
from collector.workspace import Workspace
from tests.bundle import hostile_manifests, hostile_records, hostile_zips
from tests.bundle.kinds import KINDS
from tests.bundle.making import Contents
from tests.bundle.stores import record, runs_of, snapshot, write_run
from tests.conftest import Acode

SOURCES = (hostile_manifests, hostile_records, hostile_zips)
"""Each adds its kinds when it is imported."""
OWN = {"stdout.txt": b"mine\n"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a run of its own, in a folder with other things."""
    root = tmp_path_factory.mktemp("victim")
    (root / "beside.txt").write_text("untouched")
    workspace = Workspace(str(root / "workspace"))
    write_run(workspace, record(5000, "own", OWN), OWN)
    assert len(runs_of(workspace)) == 1
    (root / "workspace/.acode/import.lock").touch()
    yield root
    assert [run.task for run in runs_of(workspace)] == ["own"]


def test_there_are_more_than_120_kinds() -> None:
    assert len(SOURCES) == 3
    assert len(KINDS) > 120


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_bundle_is_refused(
    kind: str, good: Callable[[], Contents], place: Path, tmp_path: Path
) -> None:
    bundle, workspace = tmp_path / "hostile.zip", Workspace(str(place / "workspace"))
    bundle.write_bytes(KINDS[kind](good()))
    before, around = snapshot(place), snapshot(tmp_path)
    report = verify_bundle(str(bundle))
    assert not report.is_valid
    with pytest.raises(AcodeError) as refused:
        import_bundle(workspace, str(bundle), ImportOptions())
    assert refused.value.code in ("ACODE-RUN-032", "ACODE-RUN-009")
    assert "\n" not in str(refused.value)
    assert snapshot(place) == before
    assert snapshot(tmp_path) == around


def test_a_bundle_made_without_acode_from_its_documentation_is_accepted(
    good: Callable[[], Contents], workspace: Workspace, tmp_path: Path
) -> None:
    bundle = tmp_path / "made.zip"
    bundle.write_bytes(good().build())
    assert verify_bundle(str(bundle)).problems == ()
    assert len(import_bundle(workspace, str(bundle), ImportOptions()).imported) == 2


HEAVY = (
    "content: a bomb of one file", "zip: a mebibyte of nothing it does not say", "many entries",
    "record: three million values", "manifest: three million values", "record: 17 MiB",
)  # fmt: skip


@pytest.mark.parametrize("kind", HEAVY)
def test_a_bundle_that_wants_memory_gets_little(
    kind: str, good: Callable[[], Contents], acode: Acode, tmp_path: Path
) -> None:
    bundle = tmp_path / "hostile.zip"
    bundle.write_bytes(KINDS[kind](good()))
    status, kilobytes = acode.peak("runs", "verify", str(bundle))
    assert status == 1
    assert kilobytes < 256 << 10
