"""Charts: heights are in proportion, nothing that is there is invisible, and everything fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from acode_tui.render.chart import BLOCKS, axis_text, bar_width, level_rows, pooled, stacked_rows
from acode_tui.render.trend_chart import NO_TREND, chart_heights, row_count, trend_rows
from collector import Bucket, Totals, Trend

DAY = 86_400_000
NOON = 1_768_910_400_000


def height(rows: list[list[tuple[str, str, str]]], column: int, ink: str) -> int:
    """Count the eighths of a column that are drawn in one ink, as the eye would."""
    eighths = 0
    for row in rows:
        text, front, ground = row[column]
        part = BLOCKS.index(text[0])
        eighths += part if front == ink else 0
        eighths += 8 - part if ground == ink else 0
    return eighths


def test_a_bar_of_half_the_runs_is_half_as_high() -> None:
    rows = stacked_rows([[(100, "success")], [(50, "success")], [(25, "success")]], 4, 1)
    assert [height(rows, n, "success") for n in range(3)] == [32, 16, 8]


def test_failed_and_succeeded_runs_are_stacked_within_a_cell() -> None:
    rows = stacked_rows([[(3, "failure"), (13, "success")]], 2, 1)
    assert rows[1][0] == (BLOCKS[3], "failure", "success")
    assert (height(rows, 0, "failure"), height(rows, 0, "success")) == (3, 13)


def test_one_failed_run_among_thousands_is_seen() -> None:
    rows = stacked_rows([[(1, "failure"), (5000, "success")]], 4, 1)
    assert height(rows, 0, "failure") == 1


def test_a_single_run_beside_thousands_is_seen_as_what_most_of_it_is() -> None:
    rows = stacked_rows([[(5000, "success")], [(1, "failure"), (2, "success")]], 4, 1)
    assert height(rows, 1, "success") == 1
    assert height(rows, 1, "failure") == 0


@given(
    st.lists(st.lists(st.integers(0, 10**9), min_size=3, max_size=3), max_size=40),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_no_bar_is_higher_than_the_chart_nor_wider_than_its_place(
    values: list[list[int]], tall: int, step: int
) -> None:
    inks = ("failure", "success", "running")
    rows = stacked_rows([list(zip(bar, inks, strict=True)) for bar in values], tall, step)
    assert len(rows) == tall
    assert {sum(len(text) for text, _, _ in row) for row in rows} == {len(values) * step}
    for place, bar in enumerate(values):
        column = place * (2 if step > 1 else 1)
        drawn = [height(rows, column, ink) for ink in inks]
        assert sum(drawn) <= 8 * tall
        assert bool(sum(drawn)) == bool(sum(bar))


def test_what_is_not_known_is_a_dot_and_nothing_is_a_line() -> None:
    rows = level_rows([None, 0, 0.5, 1], "success", 1, 1, 1)
    assert [text for text, _, _ in rows[0]] == ["·", BLOCKS[1], BLOCKS[4], BLOCKS[8]]


def test_labels_stand_below_their_bars_and_do_not_touch() -> None:
    text = axis_text(["Jan 01", "Jan 02", "Jan 03", "Jan 04", "Jan 05"], 4, 20)
    assert text == "Jan 01  Jan 03"
    assert text.index("Jan 03") == 2 * 4


def test_more_steps_than_room_share_bars() -> None:
    assert [len(group) for group in pooled(range(10), 4)] == [3, 3, 3, 1]
    assert bar_width(4, 10) == 2


def bucket(day: int, success: int, failed: int, p95: int | None) -> Bucket:
    totals = Totals(
        runs=success + failed,
        by_status={"success": success, "failure": failed},
        timed=success + failed,
        p95_duration_ms=p95,
    )
    return Bucket(f"day {day}", NOON + day * DAY, totals)


def text_of(rows: list[list[tuple[str, str, str]]]) -> list[str]:
    return ["".join(text for text, _, _ in row) for row in rows]


def test_the_chart_says_what_its_tops_mean() -> None:
    trend = Trend("day", (bucket(0, 30, 10, 1500), bucket(1, 20, 0, 65_000), bucket(2, 0, 0, None)))
    lines = text_of(trend_rows(trend, 80, (4, 2)))
    assert "runs each day" in lines[0]
    assert "at most 40" in lines[0]
    assert "P95: up to 1m05s" in lines[0]
    assert lines[1].split()[0] == "40"
    assert lines[4].split()[0] == "runs"
    assert "100%" in lines[5]
    assert "1m05s" in lines[7]
    # The first date begins below the first bar.
    assert lines[-1].index("Jan 20") == lines[4].index("runs") + len("runs ")


@given(st.integers(0, 300), st.integers(1, 250), st.integers(1, 60))
def test_the_chart_fits_any_screen(days: int, width: int, lines: int) -> None:
    heights = chart_heights(lines)
    trend = Trend("day", tuple(bucket(n, n % 7, n % 3, n * 100 or None) for n in range(days)))
    rows = trend_rows(trend, width, heights)
    assert len(rows) == row_count(heights)
    # The gutter and the words are cut where a screen is that narrow; the bars never are.
    drawn = max(len(line.rstrip()) for line in text_of(rows)[1:-1])
    assert drawn <= max(width, 12)


def test_no_runs_make_an_empty_chart_of_the_same_height() -> None:
    rows = trend_rows(Trend("day"), 80, (4, 1))
    assert NO_TREND in text_of(rows)[0]
    assert len(rows) == row_count((4, 1))
