"""The inspector shows no secret, wherever one may be, also of runs that nobody looked through."""

from __future__ import annotations

import json

from textual.pilot import Pilot

from acode_tui.settings import Settings
from acode_tui.splash import read_first_page
from collector.record.output_index import HEADER, encode
from tests.redacting.canaries import github_token, private_key
from tests.tui.conftest import Recorded, inspecting, screen_text, until
from tests.tui.test_run_screen import open_run

TOKEN, KEY = github_token(), private_key(60)


def filled(recorded: Recorded) -> None:
    output = f"start\nuse {TOKEN} now\n{KEY}\nthe end {TOKEN}\n".encode()
    report = {"tests": [], "token": TOKEN}
    recorded.add(
        f"deploy --token {TOKEN}",
        {"stdout.txt": output, "error.json": json.dumps(report).encode(), "output.idx": HEADER},
        status="failure", exit_code=1, error_message=f"no access with {TOKEN}",
    )  # fmt: skip


def assert_masked(pilot: Pilot[None]) -> None:
    text = screen_text(pilot)
    assert TOKEN[:12] not in text
    assert not [line for line in KEY.split("\n")[1:-1] if line[:30] in text]


async def test_the_list_and_its_preview_are_masked(recorded: Recorded) -> None:
    filled(recorded)
    async with inspecting(recorded, size=(180, 50)) as pilot:
        await until(pilot, lambda: "the end [REDACTED" in screen_text(pilot))
        assert_masked(pilot)
        assert "deploy --token [REDACTED" in screen_text(pilot)


async def test_any_place_in_a_file_is_masked(recorded: Recorded) -> None:
    filled(recorded)
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "use [REDACTED" in screen_text(pilot))
        assert_masked(pilot)
        for keys in (("pagedown",), ("pagedown",), ("G",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert_masked(pilot)
        await until(pilot, lambda: "the end [REDACTED" in screen_text(pilot))


async def test_a_search_finds_no_secret(recorded: Recorded) -> None:
    filled(recorded)
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await pilot.press("slash", *TOKEN[:8], "enter")
        await until(pilot, lambda: "no match" in screen_text(pilot).lower() or "0 " in screen_text(pilot))
        assert TOKEN[:12] not in screen_text(pilot)


async def test_a_run_that_goes_on_is_masked(recorded: Recorded) -> None:
    run = recorded.make(f"watch {TOKEN}", status="running")
    folder = recorded.file(run, "x").parent
    pieces = HEADER + encode(0, 1, 60) + encode(5, 2, 6)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stdout.txt").write_bytes(f"now {TOKEN}".ljust(59).encode() + b"\n")
    (folder / "stderr.txt").write_bytes(b"other\n")
    (folder / "output.idx").write_bytes(pieces)
    recorded.store.write([run])
    async with inspecting(recorded, size=(180, 50)) as pilot:
        await until(pilot, lambda: "now [REDACTED" in screen_text(pilot))
        assert TOKEN[:12] not in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "other" in screen_text(pilot))
        assert TOKEN[:12] not in screen_text(pilot)


def test_the_first_page_is_masked(recorded: Recorded) -> None:

    filled(recorded)
    page = read_first_page(Settings(recorded.workspace), 10)
    assert TOKEN not in repr(page)
