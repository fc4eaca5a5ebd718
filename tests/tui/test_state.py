"""What is remembered between starts, and that it is never an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from acode_tui.state import MAX_FILTERS, Remembered, recall, recall_theme, remember, state_path
from tests.tui.conftest import Recorded, home, inspecting, until

THEMES = ("acode-dark", "acode-light")


def test_it_is_kept_where_the_user_keeps_such_things() -> None:
    assert state_path({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == "/s/acode/tui.json"
    assert state_path({"XDG_STATE_HOME": "relative", "HOME": "/h"}) == "/h/.local/state/acode/tui.json"
    assert state_path({}) == ""


def test_theme_and_filters_are_recalled_the_newest_last(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "tui.json")
    for text in ("one", "two", "one"):
        remember(path, filter_text=text)
    remember(path, theme="acode-light")
    assert recall(path) == Remembered("acode-light", ("two", "one"))
    assert recall_theme(path, THEMES) == "acode-light"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["tui.json"]


def test_a_filter_cannot_pretend_to_be_a_theme(tmp_path: Path) -> None:
    path = str(tmp_path / "tui.json")
    remember(path, theme="acode-dark", filter_text='"theme": "acode-light"')
    assert recall_theme(path, ("acode-light", "acode-dark")) == "acode-dark"


def test_only_so_many_filters_are_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "tui.json")
    for number in range(MAX_FILTERS + 3):
        remember(path, filter_text=f"f{number}")
    kept = recall(path).filters
    assert (len(kept), kept[0]) == (MAX_FILTERS, "f3")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"filters": 3}', b'{"filters": [1]}'])
def test_a_file_that_is_not_ours_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tui.json"
    path.write_bytes(content)
    assert recall(str(path)) == Remembered()
    assert recall_theme(str(path), THEMES) == ""


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    remember(str(tmp_path / "file" / "tui.json"), theme="acode-light")
    remember("", theme="acode-light")
    assert recall(str(tmp_path / "file" / "tui.json")) == Remembered()


async def test_the_next_start_knows_the_theme_and_the_filters(recorded: Recorded, tmp_path: Path) -> None:
    recorded.add("echo one")
    path = str(tmp_path / "state" / "tui.json")
    async with inspecting(recorded, state_path=path) as pilot:
        await pilot.press("slash", "o", "n", "e", "enter", "t")
        await until(pilot, lambda: recall(path) == Remembered("acode-light", ("one",)))
    async with inspecting(recorded, state_path=path) as pilot:
        await pilot.press("slash", "up")
        await until(pilot, lambda: home(pilot).filter_text == "one")
