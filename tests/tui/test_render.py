from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acode_tui.render.ansi import PLAIN, Sgr, Styled, parse_line
from acode_tui.render.code import color_code, color_levels, language_of
from acode_tui.render.format import duration, moment, size
from acode_tui.render.palette import DARK, LIGHT, Palette
from acode_tui.render.rows import cells, columns_for, fit, header_spans, row_spans
from acode_tui.render.safe import line_of_output, one_line, strip_unsafe
from acode_tui.render.strips import hit_ranges, visible_range, wrap_ranges
from acode_tui.render.unsafe import UNSAFE
from collector import Run

HOSTILE = "a\x1b]52;c;aGk=\x07b\x1b[2Jc\x9b31md\u202ee\x00f\u2028g\ud800h\u200bi\x7fj"


@pytest.mark.parametrize("clean", [one_line, line_of_output, strip_unsafe])
def test_no_control_character_is_left(clean: object) -> None:
    result = clean(HOSTILE)  # type: ignore[operator]
    assert not UNSAFE.search(result)
    for letter in "abcdefghij":
        assert letter in result


@given(st.text())
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    assert not UNSAFE.search(one_line(text))
    assert not UNSAFE.search(line_of_output(text))


@given(st.binary())
def test_any_output_becomes_a_harmless_line_with_spans_inside_it(data: bytes) -> None:
    line, _ = parse_line(data)
    assert not UNSAFE.search(line.text)
    for start, end, _ink in line.spans:
        assert 0 <= start < end <= len(line.text)


def test_escape_is_shown_as_a_picture() -> None:
    assert one_line("a\x1bb\nc") == "a\u241bb c"


def test_colours_of_output_are_kept_and_carried_on() -> None:
    line, state = parse_line(b"\x1b[31mred\x1b[0m plain \x1b[1;38;5;208mbold")
    assert line.text == "red plain bold"
    assert line.spans == ((0, 3, Sgr(color=1)), (10, 14, Sgr(color=208, bold=True)))
    assert state == Sgr(color=208, bold=True)
    assert parse_line(b"next", state)[0].spans == ((0, 4, state),)


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (b"\x1b[38;2;1;2;3m", Sgr(color="#010203")),
        (b"\x1b[38:5:9m", Sgr(color=9)),
        (b"\x1b[48;5;300m", PLAIN),
        (b"\x1b[97;44m", Sgr(color=15, background=4)),
        (b"\x1b[7;9m", Sgr(reverse=True, strike=True)),
        (b"\x1b[1m\x1b[22m", PLAIN),
        (b"\x1b[31m\x1b[m", PLAIN),
        (b"\x1b[38m", PLAIN),
        (b"\x1b[?25l\x1b[2J\x1b]0;title\x07\x1b(B", PLAIN),
    ],
)
def test_sequences(sequence: bytes, expected: Sgr) -> None:
    line, state = parse_line(sequence + b"x")
    assert line.text == "x"
    assert state == expected


def test_what_a_progress_bar_printed_last_is_shown() -> None:
    assert parse_line(b"10%\r50%\r100%\r")[0].text == "100%"
    assert parse_line(b"windows\r")[0].text == "windows"


def test_tabs_go_to_the_next_stop_across_colours() -> None:
    assert parse_line(b"\x1b[31mab\x1b[0m\tc")[0].text == "ab      c"


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, ""), (0, "0ms"), (999, "999ms"), (1000, "1.0s"), (9_949, "9.9s"), (59_999, "59s"),
     (61_000, "1m01s"), (3_660_000, "1h01m"), (90_000_000, "1d01h")],
)  # fmt: skip
def test_durations(ms: int | None, text: str) -> None:
    assert duration(ms) == text


@given(st.integers(0, 10**15))
def test_durations_and_sizes_fit_their_columns(number: int) -> None:
    assert len(duration(min(number, 900 * 86_400_000))) <= 7
    assert len(size(min(number, 900 * 2**40))) <= 7


def test_moments_shorten_with_their_distance() -> None:
    noon = 1_768_910_400_000
    assert moment(noon, noon, 8) == "12:00:00"
    assert moment(noon, noon, 5) == "12:00"
    assert moment(noon - 86_400_000, noon, 12) == "Jan 19 12:00"
    assert moment(noon - 40 * 86_400_000, noon, 12) == "2025-12-11"


def a_run(line: str, **values: object) -> Run:
    fields: dict[str, object] = {
        "run_id": "R", "name": "n", "task": "test", "command": "c", "command_line": line,
        "status": "failure", "start_time": 1_768_910_400_000, "end_time": 1_768_910_401_000,
        "duration_ms": 1000, "exit_code": 2,
    }  # fmt: skip
    return Run(**(fields | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [20, 40, 55, 56, 77, 78, 103, 104, 123, 124, 300])
@pytest.mark.parametrize(
    "line", ["pytest -x", "x" * 900, "日本語 " * 50, HOSTILE, "\U0001f469\u200d\U0001f4bb"]
)
def test_every_row_is_exactly_as_wide_as_the_table(width: int, line: str) -> None:
    columns = columns_for(width)
    rows = [row_spans(a_run(line), columns, 0), header_spans(columns)]
    for spans in rows:
        assert sum(cells(text) for text, _ in spans) == max(width, 28)
        assert not any(UNSAFE.search(text) for text, _ in spans)


def test_a_narrow_table_tells_the_status_by_glyph_and_a_wide_one_by_word_too() -> None:
    narrow = "".join(text for text, _ in row_spans(a_run("x"), columns_for(40), 0))
    wide = "".join(text for text, _ in row_spans(a_run("x"), columns_for(80), 0))
    assert "✗" in narrow
    assert "✗ failure" in wide


@given(st.text(), st.integers(1, 40))
def test_fit_is_exact(text: str, width: int) -> None:
    assert cells(fit(one_line(text), width)) == width


@given(st.text(alphabet="ab日\u0301", max_size=40), st.integers(0, 20), st.integers(1, 20))
def test_a_part_of_a_line_is_never_wider_than_its_room(text: str, left: int, width: int) -> None:
    start, end, gap = visible_range(text, left, width)
    assert gap in (0, 1)
    assert cells(text[start:end]) + gap <= width


@given(st.text(alphabet="ab日", max_size=60), st.integers(2, 20))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    ranges = wrap_ranges(text, width)
    assert "".join(text[low:high] for low, high in ranges) == text
    assert all(cells(text[low:high]) <= width for low, high in ranges)


def test_hits_are_found_without_regard_to_case_when_asked() -> None:
    assert hit_ranges("Error error", "error", fold=True) == [(0, 5), (6, 11)]
    assert hit_ranges("Error error", "Error", fold=False) == [(0, 5)]


def test_languages() -> None:
    assert language_of("results.trx", b"") == "xml"
    assert language_of("stdout.txt", b'{"a": 1}') == "json"
    assert language_of("stdout.txt", b"diff --git a b") == "diff"
    assert language_of("stdout.txt", b"[INFO] hello") is None


def test_code_is_coloured_line_by_line() -> None:
    lines = color_code([Styled("def f():"), Styled('    """a'), Styled('    b"""')], "python")
    assert [line.text for line in lines] == ["def f():", '    """a', '    b"""']
    assert lines[0].spans[0] == (0, 3, "keyword")
    assert all(line.spans for line in lines)


def test_levels_get_their_ink_only_where_output_has_no_colours() -> None:
    assert ("failure" in [ink for *_x, ink in color_levels(Styled("2 FAILED")).spans]) is True
    coloured = Styled("FAILED", ((0, 6, Sgr(color=2)),))
    assert color_levels(coloured) is coloured


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda p: p.name)
def test_every_ink_can_be_read_on_every_ground(palette: Palette) -> None:
    inks = ("text", "muted", "accent", "success", "failure", "running", "timeout", "cancelled")
    for ground in ("background", "surface", "panel", "selection"):
        for ink in inks:
            ratio = contrast(getattr(palette, ink), getattr(palette, ground))
            assert ratio >= 4.5, f"{ink} on {ground}: {ratio:.2f}"
        assert contrast(palette.faint, getattr(palette, ground)) >= 3
    assert contrast(palette.text, palette.match) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
