"""Exporting and importing through the keys: real bundles, read back by the library and the command."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest
from textual.message import Message
from textual.pilot import Pilot

from acode_tui.messages.keeping import Progressed, WorkStopped
from acode_tui.screens.export import ExportDialog
from acode_tui.screens.importing import ImportDialog
from acode_tui.source.bundles import Exporter, count_secrets
from acode_tui.source.place import completed_path
from collector import (
    Asking,
    ExportOptions,
    Run,
    Workspace,
    by_passphrase,
    export_bundle,
    verify_bundle,
)
from tests.bundle.stores import record, runs_of, two_runs, write_run
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6"


@pytest.fixture
def store(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A build and a test, which failed; started in the folder above them."""
    root = Path(recorded.workspace.root)
    monkeypatch.setenv("HOME", str(root / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(root)
    two_runs(recorded.workspace)
    recorded.count = len(runs_of(recorded.workspace))
    return recorded


async def open_export(pilot: Pilot[None]) -> ExportDialog:
    await pilot.press("X")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
    screen = pilot.app.screen
    assert isinstance(screen, ExportDialog)
    await until(pilot, lambda: "before it is packed" in screen_text(pilot))
    return screen


async def test_a_run_is_exported_and_all_that_match_are(store: Recorded) -> None:
    async with inspecting(store, (80, 24)) as pilot:
        screen = await open_export(pilot)
        run = home(pilot).table.run_at_cursor
        assert "1 run, 2 files, 17 B" in screen_text(pilot)
        assert screen.target == str(Path.cwd() / f"{run.name}.zip")
        await pilot.press("w")
        await until(pilot, lambda: "1 run, 5 files in" in screen_text(pilot))
        screen.set_focus(screen._which)
        await pilot.press("right")
        await until(pilot, lambda: "2 runs, 6 files" in screen_text(pilot))
        screen._target.value = "both.zip"
        await pilot.press("escape", "w")
        await until(pilot, lambda: "2 runs, 10 files in" in screen_text(pilot))
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)
    assert [r.name for r in verify_bundle(f"{run.name}.zip").runs] == [run.name]
    both = verify_bundle("both.zip")
    assert both.is_valid
    assert len(both.runs) == 2
    assert both.redacted


async def test_secrets_leave_and_files_are_replaced_only_after_a_yes(store: Recorded) -> None:
    said = {"stdout.txt": f"token {TOKEN}\n".encode()}
    later = "2026-01-20T15:00:00.000Z"
    write_run(store.workspace, record(3000, "deploy", said, start_time=later, end_time=later), said)
    runs_of(store.workspace)
    write(Path("there.zip"), b"something else")
    async with inspecting(store) as pilot:
        screen = await open_export(pilot)
        screen._target.value = "there.zip"
        await pilot.press("w")
        assert "There is a file already. Replace it?" in screen_text(pilot)
        await pilot.press("n")
        assert read(Path("there.zip")) == b"something else"
        await pilot.press("w", "y")
        await until(pilot, lambda: "1 secret masked" in screen_text(pilot))
        screen._target.value = "open.zip"
        screen.set_focus(screen._redact)
        await pilot.press("space", "escape", "w")
        assert "with every secret they hold?" in screen_text(pilot)
        assert not exists("open.zip")
        await pilot.press("y")
        await until(pilot, lambda: "secrets not masked" in screen_text(pilot))
    assert verify_bundle("there.zip").redacted
    assert not verify_bundle("open.zip").redacted


async def test_a_passphrase_encrypts_the_bundle_and_opens_it_again(
    store: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Recorded(tmp_path_factory.mktemp("other"))
    async with inspecting(store) as pilot:
        screen = await open_export(pilot)
        screen._target.value = "kept.zip"
        screen._passphrase.value = "correct horse"
        await pilot.press("w")
        await until(pilot, lambda: "wrote " in screen_text(pilot))
    assert not exists("kept.zip")
    assert verify_bundle("kept.zip.enc", None, Asking(find_key=by_passphrase("correct horse"))).is_encrypted
    async with inspecting(other) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        dialog = pilot.app.screen
        assert isinstance(dialog, ImportDialog)
        await pilot.press(*"kept", "tab", "enter")
        await until(pilot, lambda: "ACODE-RUN-034" in screen_text(pilot))
        assert "correct horse" not in screen_text(pilot)
        dialog._passphrase.value = "correct horse"
        dialog.set_focus(dialog._passphrase)
        await pilot.press("enter")
        await until(pilot, lambda: "✓ valid" in screen_text(pilot))
        assert "encrypted" in screen_text(pilot)
        assert runs_of_none(other.workspace)
        await pilot.press("i")
        await until(pilot, lambda: "imported 1 run" in screen_text(pilot))
        await until(pilot, lambda: home(pilot).window.total == 1)
        await pilot.press("escape", "escape")
    assert len(runs_of(other.workspace)) == 1


async def test_a_damaged_bundle_is_shown_with_what_is_wrong_and_cannot_be_imported(store: Recorded) -> None:
    chosen = runs_of(store.workspace)
    export_bundle(store.workspace, chosen, "good.zip", ExportOptions())
    data = bytearray(read(Path("good.zip")))
    data[len(data) // 3] ^= 0xFF
    write(Path("bad.zip"), bytes(data))
    async with inspecting(store, (80, 24)) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        await pilot.press(*"bad", "tab", "enter")
        await until(pilot, lambda: "✗ refused" in screen_text(pilot))
        assert "ACODE-RUN-0" in screen_text(pilot)
        await pilot.press("i")
        assert "✗ refused" in screen_text(pilot)
        await pilot.press("e", "end", "ctrl+u", *"good", "tab", "enter")
        await until(pilot, lambda: "✓ valid   2 runs" in screen_text(pilot))
        assert screen_text(pilot).count("is there already") == 2
        await pilot.press("e", "end", "ctrl+u", *"nowhere", "enter")
        await until(pilot, lambda: "cannot read" in screen_text(pilot))
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)


def test_an_export_that_is_stopped_leaves_nothing(store: Recorded) -> None:
    heard: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def hear(message: Message) -> None:
        if isinstance(message, Progressed):
            exporter.cancel()
        else:
            heard.put(message)

    exporter = Exporter(store.workspace, hear)
    exporter.start()
    exporter.export(runs_of(store.workspace), str(Path("stopped.zip").absolute()), ExportOptions())
    assert isinstance(heard.get(timeout=20), WorkStopped)
    exporter.close()
    exporter.join()
    assert [path.name for path in Path().iterdir() if path.name != ".acode"] == []


def test_known_secrets_are_counted_without_reading_and_by_what_goes_along(store: Recorded) -> None:
    run = runs_of(store.workspace)[0]
    assert count_secrets([run], ExportOptions()) == (0, 1)
    seen = with_secrets(run)
    assert count_secrets([seen], ExportOptions()) == (5, 0)
    assert count_secrets([seen], ExportOptions(exclude=("stderr.txt",))) == (3, 0)


def with_secrets(run: Run) -> Run:
    from collector.model.frozen import replace

    counts = {"stdout.txt": {"a": 2}, "stderr.txt": {"a": 1, "b": 1}}
    artifacts = tuple(
        replace(one, metadata={"secrets": counts[one.path]}) if one.path in counts else one
        for one in run.artifacts
    )
    return replace(run, summary={"secrets": {"c": 1}}, artifacts=artifacts)


def test_a_path_is_completed_as_far_as_all_that_fit_go(tmp_path: Path) -> None:
    for name in ("runs-1.zip", "runs-2.zip", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "bundles").mkdir()
    assert completed_path(f"{tmp_path}/r") == f"{tmp_path}/runs-"
    assert completed_path(f"{tmp_path}/runs-1") == f"{tmp_path}/runs-1.zip"
    assert completed_path(f"{tmp_path}/b") == f"{tmp_path}/bundles/"
    assert completed_path(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    for nothing in (f"{tmp_path}/x", f"{tmp_path}/no/where", "\0"):
        assert completed_path(nothing) == nothing


def runs_of_none(workspace: Workspace) -> bool:
    return not Path(workspace.database).exists() or runs_of(workspace) == ()


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def read(path: Path) -> bytes:
    return path.read_bytes()


def exists(name: str) -> bool:
    return Path(name).exists()
