from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acode_tui.render.ansi import PLAIN, Sgr, Styled, parse_line
from acode_tui.render.code import color_code, color_levels, language_of
from acode_tui.render.format import cost, duration, moment, size, tokens
from acode_tui.render.palette import DARK, LIGHT, Palette
from acode_tui.render.rows import cells, columns_for, fit, header_spans, row_spans, short_model
from acode_tui.render.safe import line_of_output, one_line, strip_unsafe
from acode_tui.render.strips import hit_ranges, visible_range, wrap_ranges
from acode_tui.render.summary import fact_lines, nothing_printed, origins, status_line, summary_lines
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


@pytest.mark.parametrize(
    "width",
    [20, 40, 55, 56, 71, 72, 77, 78, 83, 84, 95, 96, 103, 104, 111, 112, 119, 120, 123, 124, 151, 152, 170,
     300],
)  # fmt: skip
@pytest.mark.parametrize("agents", [False, True])
@pytest.mark.parametrize(
    "line", ["pytest -x", "x" * 900, "日本語 " * 50, HOSTILE, "\U0001f469\u200d\U0001f4bb"]
)
def test_every_row_is_exactly_as_wide_as_the_table(width: int, agents: bool, line: str) -> None:
    columns = columns_for(width, agents)
    run = a_run(line, agent=line, model=line, session_id="s", agent_instance_id="i", tokens={"input": 10**9})
    rows = [row_spans(run, columns, 0), row_spans(run, columns, 0, {("s", "i"): line}), header_spans(columns)]
    for spans in rows:
        assert sum(cells(text) for text, _ in spans) == max(width, 28)
        assert not any(UNSAFE.search(text) for text, _ in spans)


def test_a_narrow_table_tells_the_status_by_glyph_and_a_wide_one_by_word_too() -> None:
    narrow = "".join(text for text, _ in row_spans(a_run("x"), columns_for(40), 0))
    wide = "".join(text for text, _ in row_spans(a_run("x"), columns_for(80), 0))
    assert "✗" in narrow
    assert "✗ failure" in wide


@given(st.text(alphabet="ab -/日", min_size=1, max_size=120), st.integers(20, 80))
def test_a_long_fact_is_on_several_lines_and_loses_nothing(text: str, width: int) -> None:
    lines = fact_lines(a_run("x", working_directory=text, task=""), width)
    assert all(cells(line.text) <= width - 2 for line in lines)
    shown = "".join(line.text for line in lines).replace(" ", "")
    wanted = ("in" + text).replace(" ", "")
    assert wanted.startswith(shown)
    assert shown == wanted or len(lines) >= 3


def titles(width: int, agents: bool) -> list[str]:
    return [column.title for column in columns_for(width, agents)]


def test_agents_get_columns_where_there_is_room_and_none_where_there_are_no_agents() -> None:
    for width in (79, 80):  # a screen of 80 columns
        assert titles(width, True) == titles(width, False)
    assert "agent" in titles(74, True)  # beside the preview on a screen of 120
    assert "agent" in titles(120, True)
    assert {"agent", "model", "tokens"} <= set(titles(160, True))
    assert {"agent", "model", "tokens"} <= set(titles(124, True))
    for width in range(20, 300):
        assert not {"agent", "model", "tokens"} & set(titles(width, False))
        command = next(c.width for c in columns_for(width, True) if c.name == "command")
        assert width < 72 or command >= 22


@pytest.mark.parametrize(
    ("model", "short"),
    [("claude-sonnet-4-5-20250929", "sonnet-4-5"), ("gpt-5.1-codex", "gpt-5.1-codex"), (None, ""),
     ("anthropic/claude-haiku-4-5", "haiku-4-5"), ("20250929", "20250929"),
     ("gemini-2.5-pro", "gemini-2.5-pro")],
)  # fmt: skip
def test_models_are_called_by_their_short_names(model: str | None, short: str) -> None:
    assert short_model(model) == short


def test_a_subagent_is_called_by_its_name_with_its_agent_where_there_is_room() -> None:
    run = a_run("x", agent="claude-code", session_id="s", agent_instance_id="i")
    names = {("s", "i"): "Explore"}
    assert "↳Explore" in "".join(text for text, _ in row_spans(run, columns_for(100, True), 0, names))
    assert "claude-code ↳Explore" in "".join(t for t, _ in row_spans(run, columns_for(160, True), 0, names))
    assert "claude-code" in "".join(
        t for t, _ in row_spans(run, columns_for(100, True), 0, {("s", "j"): "x"})
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, ""), (0, ""), (-5, ""), (1, "1"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"),
     (999_949, "999.9k"), (999_950, "1.00M"), (4_560_000, "4.56M"), (123_456_789, "123.5M"),
     (2_500_000_000, "2.50G")],
)  # fmt: skip
def test_tokens(number: int | None, text: str) -> None:
    assert tokens(number) == text


@given(st.integers(0, 10**12))
def test_tokens_fit_their_column(number: int) -> None:
    assert len(tokens(number)) <= 6


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(None, ""), (0, "$0.00"), (0.0042, "$0.0042"), (1.2, "$1.20"), (12_345.6, "$12346"),
     (float("nan"), ""), (float("inf"), ""), (-1, ""), ("free", "")],
)  # fmt: skip
def test_costs(dollars: object, text: str) -> None:
    assert cost(dollars) == text


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ({"exit_code": "recorder", "timing": "recorder", "output": "recorder"}, {}),
        ({}, {}),
        ({"exit_code": "none", "timing": "last output", "output": "recorder"},
         {"timing": "until the last output"}),
        ({"exit_code": "transcript: text", "timing": "transcript: upper bound", "output": "transcript"},
         {"exit code": "from the transcript's text", "timing": "at most (transcript)",
          "output": "from the transcript"}),
        ({"exit_code": "transcript: success flag", "timing": "hook", "output": "none"},
         {"exit code": "transcript says it succeeded", "timing": "from the hook", "output": "not told"}),
        ({"exit_code": "stream", "timing": "otlp", "output": "hook", "truncated": "the agent had cut it"},
         {"exit code": "from the agent's output", "timing": "from the telemetry",
          "output": "from the hook, cut by the agent"}),
        ({"exit_code": 5, "timing": None, "output": "\x1b[2J: \x9b"},
         {"exit code": "from the 5", "timing": "from the None", "output": "from the \u241b[2J (\ufffd)"}),
    ],
)  # fmt: skip
def test_what_the_recorder_did_not_see_says_where_it_is_from(
    provenance: dict[str, str], expected: dict[str, str]
) -> None:
    assert dict(origins(a_run("x", provenance=provenance))) == expected


def test_the_origin_of_an_exit_code_is_said_only_where_there_is_one() -> None:
    run = a_run("x", exit_code=None, provenance={"exit_code": "transcript: text"})
    assert dict(origins(run)) == {}


@pytest.mark.parametrize(
    ("code", "word", "shows_time"),
    [("009", "denied", False), ("010", "rejected", False), ("011", "interrupted", True),
     ("012", "given up", True), ("013", "end not known", True)],
)  # fmt: skip
def test_a_call_that_was_not_let_run_or_end_says_so_instead_of_an_exit_code(
    code: str, word: str, shows_time: bool
) -> None:
    run = a_run(
        "rm -rf /", status="cancelled", exit_code=1, error_code=f"ACODE-AGT-{code}",
        error_message="denied; it never ran: not allowed",
    )  # fmt: skip
    text = status_line(run, 0).text
    assert f"cancelled · {word} · " in text
    assert "exit" not in text
    assert ("1.0s" in text) == shows_time
    assert (nothing_printed(run) == "it never ran") != shows_time
    assert any("not allowed" in line.text for line in summary_lines(run, 80, 0, 20))


def test_the_facts_of_an_agents_run() -> None:
    run = a_run(
        "ls", agent="claude-code", agent_version="2.1.0", model="claude-opus-4-5", session_id="s1",
        agent_instance_id="sub-7", tool="Bash", cost=0.25,
        tokens={"input": 12, "output": 300, "cache_read": 30_000, "reasoning": 200},
    )  # fmt: skip
    text = " · ".join(line.text for line in fact_lines(run, 300))
    assert "agent claude-code 2.1.0 claude-opus-4-5" in text
    assert "instance sub-7" in text
    assert "tool Bash" in text
    assert "tokens 30.3k (12 in, 300 out, 30.0k from cache)" in text
    assert "cost $0.25" in text
    own = fact_lines(a_run("ls", session_id="s1", agent_instance_id="s1"), 300)
    assert "instance" not in " ".join(line.text for line in own)


@given(st.text(), st.integers(0, 40))
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
