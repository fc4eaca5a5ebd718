"""The run screen over what a run produced: test results, coverage, log entries, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from collector import FileCoverage, Location, LogEntry, TestCase
from tests.tui.conftest import Recorded, home, inspecting, screen_text, until
from tests.tui.reports import (
    CASES,
    COVERAGE,
    OUTPUT,
    SUMMARY,
    add_failed_run,
    as_bytes,
    entries_file,
    report_of,
)
from tests.tui.test_run_screen import run_screen, type_line

SIZES = [(200, 50), (120, 30), (80, 24), (40, 12)]


async def open_view(pilot: Pilot[None], key: str = "", text: str = "") -> None:
    """Open the run under the cursor, then a view of it, and wait for something in it."""
    await pilot.press("enter")
    await until(pilot, lambda: getattr(pilot.app.screen, "entries", None))
    if key:
        await pilot.press(key)
    await until(pilot, lambda: text in screen_text(pilot))


def last_line(pilot: Pilot[None]) -> str:
    return screen_text(pilot).splitlines()[-1]


def cursor_line(pilot: Pilot[None]) -> str:
    """Return the line under the cursor of the listing."""
    listing = run_screen(pilot).listing
    assert listing.path is not None
    text: str = listing.listing.line(listing.path, 120).text
    return text


# Tests


@pytest.mark.parametrize("size", SIZES)
async def test_a_failed_run_with_failed_tests_opens_on_them(
    recorded: Recorded, size: tuple[int, int]
) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded, size=size) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        assert "test_discount" in screen_text(pilot)
        assert "✗ test_discount" in cursor_line(pilot)
        assert run_screen(pilot).focused is run_screen(pilot).listing


@pytest.mark.parametrize(
    "values", [{"status": "success"}, {"summary": {}}, {"summary": {"tests": {"total": 6, "failed": 0}}}]
)
async def test_other_runs_open_on_their_output(recorded: Recorded, values: dict[str, Any]) -> None:
    add_failed_run(recorded, **values)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="test session starts")
        assert run_screen(pilot).entries[run_screen(pilot).entry_index].type == "stdout"


async def test_enter_opens_a_test_and_closes_it_again(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded, size=(120, 40)) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("enter")
        await until(pilot, lambda: "at src/cart.py:42" in screen_text(pilot))
        assert "── printed" in screen_text(pilot)
        assert "adding" in screen_text(pilot)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "at src/cart.py:42" not in screen_text(pilot))
        await pilot.press("left", "left")
        await until(pilot, lambda: "test_discount" not in screen_text(pilot))
        await pilot.press("right", "right")
        await until(pilot, lambda: "✗ test_discount" in cursor_line(pilot))


async def test_n_goes_through_failures_until_there_is_a_search(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("g", "n")
        await until(pilot, lambda: "failure 1 of 2" in last_line(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "test_postgres" in cursor_line(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "no failure below" in last_line(pilot))
        await pilot.press("E")
        await until(pilot, lambda: "test_discount" in cursor_line(pilot))
        await type_line(pilot, "slash", "test_s")
        await until(pilot, lambda: "hit 1 of 2" in last_line(pilot))
        assert "test_sqlite" in cursor_line(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "test_skip" in cursor_line(pilot))
        await pilot.press("n", "N", "N")
        await until(pilot, lambda: "hit 1 of 2" in last_line(pilot))
        await pilot.press("escape", "N")
        await until(pilot, lambda: "failure 2 of 2" in last_line(pilot))


async def test_f_leaves_what_failed_and_s_sorts_by_time(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("f")
        await until(pilot, lambda: "failed only" in last_line(pilot))
        assert "test_total" not in screen_text(pilot)
        await pilot.press("f", "s")
        await until(pilot, lambda: "slowest first" in last_line(pilot))
        text = screen_text(pilot)
        assert text.index("test_sqlite") < text.index("test_discount")
        assert "test_discount" in cursor_line(pilot)


async def test_p_goes_to_where_the_failure_was_printed_and_esc_comes_back(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("p")
        await until(pilot, lambda: "printed in line 6" in last_line(pilot))
        assert run_screen(pilot).view.hit == (5, 0)
        await pilot.press("escape")
        await until(pilot, lambda: "✗ test_discount" in cursor_line(pilot) and run_screen(pilot).is_listed)
        await pilot.press("n", "p")
        await until(pilot, lambda: "not found in the output: test_postgres" in last_line(pilot))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: pilot.app.screen is home(pilot))


async def test_twenty_thousand_tests_open_and_scroll(recorded: Recorded) -> None:
    cases = tuple(
        TestCase(name=f"test_{n}", outcome="passed" if n % 100 else "failed", class_name=f"suite{n // 500}")
        for n in range(20_000)
    )
    report = as_bytes(report_of(*cases).to_json())
    add_failed_run(recorded, files={"test-results.json": report})
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="200 of 20,000 failed")
        await pilot.press("G")
        await until(pilot, lambda: "test_19999" in cursor_line(pilot))
        await type_line(pilot, "slash", "test_77")
        await until(pilot, lambda: "hit 1 of 111" in last_line(pilot))


# Coverage


async def test_coverage_leads_to_the_source_with_its_uncovered_lines_marked(
    recorded: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cart.py").write_text("".join(f"line_{n} = {n}\n" for n in range(1, 121)))
    add_failed_run(recorded, working_directory=str(tmp_path))
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "3", "81.2% of 1,000 lines")
        assert "src/db.py" in cursor_line(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "not in the run's folder: src/db.py" in last_line(pilot))
        await pilot.press("j", "enter")
        await until(pilot, lambda: "3▌ line_3" in screen_text(pilot) and "4  line_4" in screen_text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "not covered: 2 of 3" in last_line(pilot))
        assert run_screen(pilot).view.hit == (9, 0)
        await pilot.press("e", "n")
        await until(pilot, lambda: "nothing uncovered below" in last_line(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: run_screen(pilot).is_listed)
        assert "src/cart.py" in cursor_line(pilot)
        await pilot.press("s", "right")
        await until(pilot, lambda: "not covered: 3, 10-19, 50-60" in screen_text(pilot))


async def test_a_source_outside_of_the_runs_folder_is_not_opened(recorded: Recorded, tmp_path: Path) -> None:
    files = tuple(
        FileCoverage(path=path, lines=1, lines_covered=0, uncovered=((1, 1),))
        for path in ("/etc/hostname", "../../../../../../../../etc/hostname", "a\0b", "-rf", "x\x1b[2J")
    )
    from dataclasses import replace

    report = as_bytes(replace(COVERAGE, files=files).to_json())
    add_failed_run(recorded, files={"coverage.json": report}, working_directory=str(tmp_path))
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "3", "etc/hostname")
        for _ in files:
            await pilot.press("enter")
            await until(pilot, lambda: "not in the run's folder" in last_line(pilot))
            await pilot.press("j")


# Log entries


async def test_log_entries_lead_to_their_lines_and_narrow_by_level(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "4", "the database is gone")
        assert "12:00:01.250 info" in screen_text(pilot) or "12:00:01 info" in screen_text(pilot)
        await pilot.press("e", "right")
        await until(pilot, lambda: "host=db1" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: run_screen(pilot).view.hit == (7, 0))
        assert run_screen(pilot)._entry().type == "stdout"
        await pilot.press("escape")
        await until(pilot, lambda: run_screen(pilot).is_listed)
        await pilot.press("f", "f")
        await until(pilot, lambda: "warn and above · 2 of 4 entries" in last_line(pilot))
        await pilot.press("G", "enter")
        await until(pilot, lambda: "warning: deprecated call" in screen_text(pilot))
        assert run_screen(pilot)._entry().type == "stderr"
        assert run_screen(pilot).view.hit == (1, 0)


async def test_a_hundred_thousand_entries_arrive_while_one_looks(recorded: Recorded) -> None:
    entries = tuple(
        LogEntry(
            level="error" if n % 1000 == 999 else "info", message=f"entry {n}", stream="stdout", line=n + 1
        )
        for n in range(100_000)
    )
    add_failed_run(recorded, files={"logs.jsonl": entries_file(entries) + b"no entry\n[1]\n"})
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "4", "entry 0")
        await pilot.press("j", "j")
        await until(pilot, lambda: "100,000 entries" in last_line(pilot) and "…" not in last_line(pilot), 30)
        assert "2 lines are no entries" in last_line(pilot)
        assert "entry 2" in cursor_line(pilot)
        await pilot.press("E", "N", "e")
        await until(pilot, lambda: "failure 1 of 100" in last_line(pilot))
        await pilot.press("G")
        await until(pilot, lambda: "entry 99999" in cursor_line(pilot))


# JSON


async def test_json_is_a_tree_with_paths_to_copy(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "5", '"acode"')
        await type_line(pilot, "slash", "29")
        await until(pilot, lambda: ".items[29].id" in last_line(pilot))
        await pilot.press("Y")
        await until(pilot, lambda: pilot.app.clipboard == ".items[29].id")
        await pilot.press("c")
        await until(pilot, lambda: pilot.app.clipboard == "29")
        await pilot.press("escape", "left", "c")
        await until(pilot, lambda: pilot.app.clipboard == '{\n  "id": 29,\n  "price": 1.5\n}')
        await pilot.press("g", "plus")
        await until(pilot, lambda: run_screen(pilot).listing.total > 90)
        await pilot.press("minus")
        await until(pilot, lambda: run_screen(pilot).listing.total == 1)


async def test_r_shows_the_text_and_the_tree_again(recorded: Recorded) -> None:
    add_failed_run(recorded, files={"artifact.json": b'{"a": [1, 2]}'})
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "5", "a: [")
        await pilot.press("r")
        await until(pilot, lambda: '{"a": [1, 2]}' in screen_text(pilot))
        await pilot.press("r")
        await until(pilot, lambda: "a: [" in screen_text(pilot) and run_screen(pilot).is_listed)


async def test_a_view_that_a_run_has_not_is_said(recorded: Recorded) -> None:
    recorded.add("make", {"stdout.txt": b"x\n"})
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="x")
        for key, what in (("2", "test results"), ("3", "coverage"), ("4", "log entries"), ("5", "JSON")):
            await pilot.press(key)
            await pilot.pause()
            assert f"this run has no {what}" in last_line(pilot)
        await pilot.press("f", "s", "p", "v", "plus", "minus", "r", "c", "Y", "1")
        await until(pilot, lambda: "x" in screen_text(pilot))


# Files that are not what they should be


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("test-results.json", b'{"suites": 5', "broken JSON in line 1, column 13"),
        ("test-results.json", b'{"schema_version": 1, "suites": [5]}', "no test report"),
        ("test-results.json", b'{"tests": 5}', "no test report of acode's"),
        ("test-results.json", b"[]", "it holds no record"),
        ("coverage.json", b'{"meta": {}, "files": {"a.py": {}}}', "no coverage report of acode's"),
        ("coverage.json", b'{"schema_version": 1, "files": {"a.py": {}}}', "no coverage report"),
        ("logs.jsonl", b"\x00\xff\n{}\n", "2 lines are no entries"),
        ("artifact.json", b'{\n"a": 1,\n]', "broken JSON in line 3, column 1"),
        ("artifact.json", b"", "broken JSON in line 1, column 1"),
        ("artifact.json", b"[" * 200_000, "nested too deeply"),
    ],
)
async def test_a_broken_file_is_said_in_one_line(
    recorded: Recorded, name: str, content: bytes, said: str
) -> None:
    add_failed_run(recorded, files={name: content}, status="success")
    keys = {"test-results.json": "2", "coverage.json": "3", "logs.jsonl": "4", "artifact.json": "5"}
    async with inspecting(recorded) as pilot:
        await open_view(pilot, keys[name])
        await until(pilot, lambda: said in last_line(pilot))
        await pilot.press("j", "G", "e", "n", "right", "enter", "f", "s", "g")
        await pilot.press("right_square_bracket", "left_square_bracket")
        await until(pilot, lambda: said in last_line(pilot))


async def test_a_report_with_values_of_the_wrong_types_is_shown(recorded: Recorded) -> None:
    case = {
        "name": 5, "outcome": ["x"], "duration_ms": "long", "message": {"a": 1}, "details": 7, "output": [1],
        "class_name": {}, "attempts": None, "flaky": "yes", "location": {"file": 3, "line": "x"},
    }  # fmt: skip
    suite = {"name": None, "source": 1, "duration_ms": [], "cases": [case] * 3}
    report = {
        "schema_version": 1, "suites": [suite], "totals": {"total": "many", "failed": [1]}, "problems": [5],
        "omitted_cases": "x",
    }  # fmt: skip
    file = {"path": 1, "lines": "a", "lines_covered": -5, "uncovered": [["a", 2], [9, 3]]}
    coverage = {
        "schema_version": 1, "lines": "x", "lines_covered": None, "branches": {}, "problems": [None],
        "files": [file],
    }  # fmt: skip
    entry = {"level": 3, "message": [1], "stream": None, "line": "x", "timestamp": 5, "context": 7}
    entries = as_bytes(entry) + b"\n" + as_bytes({**entry, "timestamp": "2026-99-99"})
    files = {
        "test-results.json": as_bytes(report), "coverage.json": as_bytes(coverage), "logs.jsonl": entries,
    }  # fmt: skip
    summary = {"tests": {"failed": "2", "total": []}, "coverage": [1], "logs": {"error": None, "x": 1e99}}
    add_failed_run(recorded, files=files, summary=summary, metrics={"cpu_percent": "a", "memory_mb": True})
    async with inspecting(recorded) as pilot:
        for key in "234":
            await (open_view(pilot, key) if key == "2" else pilot.press(key))
            await until(pilot, lambda: run_screen(pilot).listing.total)
            await pilot.press(
                "right", "j", "right", "j", "enter", "p", "v", "c", "Y", "f", "s", "plus", "n", "e", "E"
            )
            await type_line(pilot, "slash", "x")
            await pilot.press("escape")


# Around


async def test_going_on_to_the_next_run_forgets_what_was_listed(recorded: Recorded) -> None:
    recorded.add("make first", {"stdout.txt": b"of the first\n"})
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("l")
        await until(pilot, lambda: "of the first" in screen_text(pilot))
        assert not run_screen(pilot).is_listed
        await pilot.press("h")
        await until(pilot, lambda: "2 of 6 failed" in screen_text(pilot))


async def test_a_maximised_listing_gives_way_to_a_maximised_text(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.press("z", "p")
        await until(pilot, lambda: "printed in line 6" in last_line(pilot))
        assert run_screen(pilot).view.size.width == 120
        await pilot.press("escape")
        await until(pilot, lambda: run_screen(pilot).listing.size.width == 120)
        await pilot.press("z")
        await until(pilot, lambda: "artifact.json" in screen_text(pilot))


async def test_the_mouse_opens_a_line_on_the_second_click(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="2 of 6 failed")
        await pilot.click("#listing", offset=(5, 2))
        await until(pilot, lambda: "at src/cart.py:42" in screen_text(pilot))


async def test_the_preview_tells_why_a_run_failed_above_its_output(recorded: Recorded) -> None:
    add_failed_run(recorded)
    async with inspecting(recorded, size=(260, 50)) as pilot:
        await until(pilot, lambda: "── why" in screen_text(pilot))
        text = screen_text(pilot)
        for part in (
            "2 of 6 tests failed", "coverage 81.2%", "1 error logged", "::test_discount  src/cart.py:42",
            "AssertionError: assert 90 == 81", "test session starts", "2/6",
        ):  # fmt: skip
            assert part in text
        recorded.add("false", {"stdout.txt": b"last words\n"}, status="failure")
        await until(pilot, lambda: "last words" in screen_text(pilot))
        assert "── why" not in screen_text(pilot)


async def test_a_test_without_a_place_cannot_be_edited(recorded: Recorded) -> None:
    case = TestCase(name="t", outcome="failed")
    add_failed_run(recorded, files={"test-results.json": as_bytes(report_of(case).to_json())})
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="1 of 1 failed")
        await pilot.press("v")
        await until(pilot, lambda: "does not say where" in last_line(pilot))


async def test_an_editor_needs_a_terminal(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text("x\n")
    case = TestCase(name="t", outcome="failed", location=Location("t.py", 1))
    report = as_bytes(report_of(case).to_json())
    add_failed_run(recorded, files={"test-results.json": report}, working_directory=str(tmp_path))
    async with inspecting(recorded) as pilot:
        await open_view(pilot, text="1 of 1 failed")
        await pilot.press("v")
        await until(pilot, lambda: "an editor cannot be opened here" in last_line(pilot))


def test_the_samples_are_what_they_say() -> None:
    assert OUTPUT.splitlines()[5] == b"E       assert 90 == 81"
    assert SUMMARY["tests"]["total"] == len(CASES)  # type: ignore[index]


async def test_files_are_shown_as_what_they_are_whatever_their_type_is_called(recorded: Recorded) -> None:
    from dataclasses import replace

    run = recorded.make(
        "make", {"stdout.txt": b"x\n", "coverage.json": as_bytes(COVERAGE.to_json()), "sub/a.json": b"[1]"},
        summary=SUMMARY,
    )  # fmt: skip
    kinds = {"coverage.json": "coverage", "sub/a.json": "tests"}
    artifacts = tuple(replace(a, type=kinds.get(a.path, a.type)) for a in run.artifacts)
    recorded.store.write([replace(run, artifacts=artifacts)])
    async with inspecting(recorded) as pilot:
        await open_view(pilot, "3", "81.2% of 1,000 lines")
        assert [entry.title for entry in run_screen(pilot).entries] == ["stdout", "coverage", "sub/a.json"]


async def test_the_preview_tells_the_first_error_and_what_is_new_since_the_last_success(
    recorded: Recorded,
) -> None:
    fine = tuple(TestCase(name=case.name, outcome="passed", class_name=case.class_name) for case in CASES)
    files = {"test-results.json": as_bytes(report_of(*fine).to_json())}
    add_failed_run(recorded, files=files, status="success", name="the-good-one")
    add_failed_run(recorded)
    async with inspecting(recorded, size=(200, 50)) as pilot:
        await until(
            pilot, lambda: "last success the-good-one: 2 tests failed that passed" in screen_text(pilot)
        )
        recorded.add("gcc", {"stderr.txt": b"a.c:3:5: error: expected ';'\n" * 2}, status="failure")
        await until(pilot, lambda: "a.c:3" in screen_text(pilot) and "── why" in screen_text(pilot))


async def test_of_a_big_run_only_the_failed_tests_are_told(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    from acode_tui.source import why

    monkeypatch.setattr(why, "MAX_READ", 100)
    add_failed_run(recorded)
    async with inspecting(recorded, size=(200, 50)) as pilot:
        await until(pilot, lambda: "✗ test_discount  src/cart.py:42" in screen_text(pilot))
