from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from acode_tui.screens.run import RunScreen
from collector.record.output_index import HEADER, encode
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until

LINES = b"".join(b"line %d of the output\n" % n for n in range(1, 5001))


def run_screen(pilot: Pilot[None]) -> Any:
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    return screen


async def open_run(pilot: Pilot[None]) -> None:
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.view.is_exact)


async def type_line(pilot: Pilot[None], key: str, text: str) -> None:
    await pilot.press(key, *("space" if c == " " else c for c in text), "enter")


async def test_enter_opens_a_run_with_its_header_its_files_and_its_output(recorded: Recorded) -> None:
    recorded.add("make all", {"stdout.txt": LINES, "report.json": b"{}"}, status="failure", exit_code=2)
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "line 1 of the output" in screen_text(pilot))
        text = screen_text(pilot)
        assert "$ make all" in text
        assert "✗ failure · exit 2 · 1.5s" in text
        assert "report.json" in text
        assert "5,000 lines" in text
        await pilot.press("escape")
        assert pilot.app.screen is home(pilot)


async def test_a_run_without_files_says_so(recorded: Recorded) -> None:
    recorded.add("true")
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "this run has no files" in screen_text(pilot))


async def test_a_file_that_is_gone_is_one_line(recorded: Recorded) -> None:
    run = recorded.add("true", {"stdout.txt": b"x\n"})
    recorded.file(run, "stdout.txt").unlink()
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "cannot read it: the file is gone" in screen_text(pilot))


async def test_to_the_end_and_back(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": LINES})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await pilot.press("G")
        await until(pilot, lambda: "5,000  line 5000 of the output" in screen_text(pilot))
        await pilot.press("k")
        await until(pilot, lambda: "line 5000 of" not in screen_text(pilot))
        await pilot.press("g")
        await until(pilot, lambda: "    1  line 1 of the output" in screen_text(pilot))
        await pilot.press("pagedown", "ctrl+d", "ctrl+u", "pageup", "j")
        await until(pilot, lambda: run_screen(pilot).view.top == 1)


async def test_go_to_a_line(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": LINES})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await type_line(pilot, "colon", "2500")
        await until(pilot, lambda: run_screen(pilot).view.top == 2499)
        await until(pilot, lambda: "2,500  line 2500 of" in screen_text(pilot))


async def test_search_counts_and_goes_from_hit_to_hit(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": LINES})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await type_line(pilot, "slash", "line 49")
        await until(pilot, lambda: "hit 1 of 111" in screen_text(pilot))
        assert run_screen(pilot).view.hit == (48, 0)
        await pilot.press("n")
        await until(pilot, lambda: "hit 2 of 111" in screen_text(pilot))
        assert run_screen(pilot).view.hit == (489, 0)
        await pilot.press("N", "N")
        await until(pilot, lambda: "hit 111 of 111" in screen_text(pilot))
        await until(pilot, lambda: "line 4999 of" in screen_text(pilot))
        await pilot.press("escape")
        assert "hit" not in screen_text(pilot).splitlines()[-1]
        assert isinstance(pilot.app.screen, RunScreen)


async def test_a_search_without_hits_says_so(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": LINES})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await type_line(pilot, "slash", "nowhere")
        await until(pilot, lambda: "no hits" in screen_text(pilot))


async def test_wrapping_shows_all_of_a_long_line(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"a" * 300 + b"END\nnext\n"})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        assert "END" not in screen_text(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "END" in screen_text(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "next" in screen_text(pilot))
        await pilot.press("w", *["right"] * 16)
        await until(pilot, lambda: "END" in screen_text(pilot))
        await pilot.press("left")


async def test_a_line_without_end_is_cut_and_says_so(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"b" * 3_000_000 + b"\nnext\n"})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        assert "2 lines" in screen_text(pilot)
        await until(pilot, lambda: "next" in screen_text(pilot))
        view = run_screen(pilot).view
        assert len(view._line(0).text) < 20_000
        assert view._line(0).text.endswith("2.8 MB more")


async def test_a_growing_file_is_followed_until_one_scrolls_up(recorded: Recorded) -> None:
    run = recorded.add("serve", status="running")
    path = recorded.file(run, "stdout.txt")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"started\n")
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "started" in screen_text(pilot))
        with path.open("ab") as out:
            out.write(LINES)
        await until(
            pilot, lambda: "line 5000 of" in screen_text(pilot) and "5,001 lines" in screen_text(pilot)
        )
        assert "following" in screen_text(pilot).splitlines()[-1]
        await pilot.press("k", "k")
        with path.open("ab") as out:
            out.write(b"more\n" * 50)
        await until(pilot, lambda: "5,051 lines" in screen_text(pilot))
        assert "more" not in "".join(screen_text(pilot).splitlines()[:-1])
        await pilot.press("F")
        await until(pilot, lambda: "5,051  more" in screen_text(pilot))


async def test_the_header_tells_when_the_run_ends_and_files_appear(recorded: Recorded) -> None:
    run = recorded.add("serve", status="running")
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "● running" in screen_text(pilot))
        path = recorded.file(run, "stdout.txt")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"bye\n")
        recorded.finish(run)
        await until(pilot, lambda: "✓ success" in screen_text(pilot) and "bye" in screen_text(pilot))


async def test_h_and_l_go_through_the_runs_of_the_filter(recorded: Recorded) -> None:
    for n in range(4):
        recorded.add(f"make {n}", {"stdout.txt": b"output %d\n" % n})
        recorded.add("other")
    async with inspecting(recorded, filter="make") as pilot:
        await open_run(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "output 2" in screen_text(pilot))
        await pilot.press("l", "l")
        await until(pilot, lambda: "output 0" in screen_text(pilot))
        await pilot.press("l")
        await until(pilot, lambda: "that was the last run" in screen_text(pilot))
        await pilot.press("h")
        await until(pilot, lambda: "output 1" in screen_text(pilot))
        await pilot.press("escape")
        assert home(pilot).table.run_at_cursor.command_line == "make 1"


async def test_new_runs_do_not_change_the_run_that_is_open(recorded: Recorded) -> None:
    recorded.add("first", {"stdout.txt": b"mine\n"})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        for n in range(3):
            recorded.add(f"later {n}")
        await until(pilot, lambda: home(pilot).window.total == 4)
        await pilot.pause(0.4)
        assert "$ first" in screen_text(pilot)


@pytest.mark.parametrize("size", [(120, 30), (80, 24), (40, 12)])
async def test_choosing_files(recorded: Recorded, size: tuple[int, int]) -> None:
    recorded.add("make", {"stdout.txt": b"to stdout\n", "stderr.txt": b"to stderr\n", "a.py": b"import os\n"})
    async with inspecting(recorded, size=size) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "to stdout" in screen_text(pilot))
        await pilot.press("o")
        await until(pilot, lambda: "to stderr" in screen_text(pilot))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "import os" in screen_text(pilot))
        await pilot.press("tab", "k")
        await until(pilot, lambda: "to stderr" in screen_text(pilot))
        await pilot.click("#files", offset=(4, 0))
        await until(pilot, lambda: "to stdout" in screen_text(pilot))


async def test_code_is_coloured(recorded: Recorded) -> None:
    recorded.add("make", {"a.py": b"import os\n" * 300})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: run_screen(pilot).view._line(0).spans)
        assert run_screen(pilot).view._line(0).spans[0] == (0, 6, "keyword")


async def test_binary_files_are_shown_as_hex(recorded: Recorded) -> None:
    recorded.add("make", {"a.out": bytes(range(256)) * 40})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: "0000000010  10 11 12 13" in screen_text(pilot))
        assert "binary" in screen_text(pilot)


async def test_an_empty_file(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b""})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await until(pilot, lambda: " empty" in screen_text(pilot))
        await pilot.press("G", "g", "j", "w", "G", "n")


async def test_delete_from_the_run_screen_goes_back_to_the_list(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from acode_tui.source import runs as source_module

    asked: list[str] = []
    monkeypatch.setattr(source_module, "request_delete", lambda workspace, run_id: asked.append(run_id))
    run = recorded.add("make", {"stdout.txt": b"x\n"})
    async with inspecting(recorded) as pilot:
        await open_run(pilot)
        await pilot.press("d")
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: asked == [run.run_id])
        assert pilot.app.screen is home(pilot)


async def test_both_streams_of_a_running_run_are_one_file_in_their_order(recorded: Recorded) -> None:
    run = recorded.add("serve", status="running")
    folder = recorded.file(run, "stdout.txt").parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stdout.txt").write_bytes(b"first\nthird\n")
    (folder / "stderr.txt").write_bytes(b"second\n")
    (folder / "output.idx").write_bytes(HEADER + encode(0, 1, 6) + encode(5, 2, 7) + encode(5, 1, 6))
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "third" in screen_text(pilot))
        text = screen_text(pilot)
        assert text.index("first") < text.index("second") < text.index("third")
        with (folder / "stderr.txt").open("ab") as stream, (folder / "output.idx").open("ab") as index:
            stream.write(b"fourth\n")
            index.write(encode(9, 2, 7))
        await until(pilot, lambda: "fourth" in screen_text(pilot))
        await pilot.press("o")
        await until(pilot, lambda: "second" not in screen_text(pilot) and "third" in screen_text(pilot))


async def test_e_goes_from_one_error_to_the_next(recorded: Recorded) -> None:
    lines = [f"line {n}" for n in range(300)]
    lines[120], lines[250] = "ERROR the first", "Traceback the second"
    recorded.add("make", {"output.txt": "\n".join(lines).encode()}, status="failure")
    async with inspecting(recorded) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "300 lines" in screen_text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "error in line 121" in screen_text(pilot))
        assert "ERROR the first" in screen_text(pilot)
        await pilot.press("e")
        await until(pilot, lambda: "error in line 251" in screen_text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "no error below" in screen_text(pilot))
        await pilot.press("E")
        await until(pilot, lambda: "error in line 121" in screen_text(pilot))
