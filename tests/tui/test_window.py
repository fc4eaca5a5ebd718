from __future__ import annotations

from acode_tui.window import MAX_PAGES, PAGE, RunWindow
from collector import Outline, Run


def a_run(seq: int, start: int | None = None, line: str = "x") -> Run:
    return Run(
        run_id=f"R{seq}", name=f"n{seq}", task="t", command="c", command_line=line, status="success",
        start_time=seq if start is None else start, end_time=seq, seq=seq,
    )  # fmt: skip


def filled(total: int = 1000) -> RunWindow:
    """Rows `total` down to 1, of which the first two pages are at hand."""
    window = RunWindow()
    window.replace(Outline(total, 1000, ("c",)), {0: page(total, 0), 1: page(total, 1)})
    return window


def page(total: int, number: int) -> list[Run]:
    return [a_run(total - number * PAGE - place) for place in range(PAGE)]


def seq_at(window: RunWindow, index: int) -> int | None:
    run = window.row(index)
    return run.seq if run is not None else None


def test_new_runs_come_first_and_push_the_others_down() -> None:
    window = filled()
    assert window.insert(a_run(1001)) == 0
    assert window.insert(a_run(1002)) == 0
    assert [seq_at(window, n) for n in range(3)] == [1002, 1001, 1000]
    assert window.total == 1002
    assert seq_at(window, 2 + PAGE) == 1000 - PAGE


def test_a_run_that_started_earlier_but_arrived_later_is_put_in_its_place() -> None:
    window = filled()
    window.insert(a_run(1001, start=2000))
    assert window.insert(a_run(1002, start=1500)) == 1
    assert [seq_at(window, n) for n in range(3)] == [1001, 1002, 1000]


def test_a_run_from_further_down_is_not_new() -> None:
    assert filled().insert(a_run(500)) is None


def test_into_an_empty_result_anything_is_new() -> None:
    window = RunWindow()
    window.start((), False)
    assert window.insert(a_run(5)) == 0
    assert window.total == 1


def test_runs_that_arrived_while_the_outline_was_read_are_kept() -> None:
    window = filled()
    window.insert(a_run(1001))
    window.insert(a_run(1002))
    window.replace(Outline(1001, 1000, ("c",)), {0: [a_run(1001 - n) for n in range(PAGE)]})
    assert [seq_at(window, n) for n in range(3)] == [1002, 1001, 1000]
    assert window.total == 1002


def test_only_a_few_pages_are_held() -> None:
    window = filled(100_000)
    for number in range(50):
        window.add_page(number, page(100_000, number))
    assert len(window.pages) == MAX_PAGES
    assert seq_at(window, 49 * PAGE) == 100_000 - 49 * PAGE
    assert seq_at(window, 0) is None


def test_missing_pages_are_those_that_the_screen_needs() -> None:
    window = filled()
    assert window.missing_pages(0, 150) == []
    assert window.missing_pages(150, 320) == [2, 3]
    assert window.missing_pages(990, 5000) == [9]
    window.insert(a_run(1001))
    assert window.missing_pages(200, 200) == []


def test_newer_values_replace_rows_wherever_they_are() -> None:
    window = filled()
    window.insert(a_run(1001))
    assert window.update([a_run(1001, line="new"), a_run(1000, line="new"), a_run(7, line="new")]) == {0, 1}
    changed = window.row(1)
    assert changed is not None
    assert changed.command_line == "new"


def test_forgotten_rows_leave_the_head_at_once_and_the_rest_with_the_next_outline() -> None:
    window = filled()
    window.insert(a_run(1001))
    assert window.forget(frozenset({1001})) is False
    assert seq_at(window, 0) == 1000
    assert window.forget(frozenset({999})) is True
