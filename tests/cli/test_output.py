"""Text on its way to a screen: sanitized, harmless, measured, aligned."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cli.harmless import RESET, HarmlessStream, make_harmless, make_text_harmless
from collector.cli.output import format_duration, format_size, sanitize
from collector.cli.records import csv_cell
from collector.cli.table import Column, display_width, fit, render
from collector.cli.task import command_words

ANY = st.text(st.characters(codec=None), max_size=60)
SEQUENCES = st.sampled_from(
    ["\x1b[31m", "\x1b[0m", "\x1b[8m", "\x1b[2J", "\x1b]0;t\x07", "\x1b", "\r\n", "\r", "é😀"]
)
RECORDED = st.lists(st.text(max_size=6) | SEQUENCES, max_size=12).map("".join)
SGR = re.compile(r"\x1b\[[0-9;:]*m")


@given(ANY)
def test_a_sanitized_text_is_one_printable_line(text: str) -> None:
    shown = sanitize(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert sanitize(shown) == shown
    assert len(shown) == len(text)


@given(RECORDED)
def test_what_a_terminal_is_sent_can_only_be_seen(text: str) -> None:
    shown = make_text_harmless(text)
    for character in SGR.sub("", shown):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
    assert "\x1b" not in make_text_harmless(text, color=False)


@given(RECORDED, st.lists(st.integers(0, 80), max_size=5))
def test_how_output_is_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    data = text.encode()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert b"".join(make_harmless(pieces)) == b"".join(make_harmless([data]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[1;31mb\x1b[0mc", "a\x1b[1;31mb\x1b[0mc"),
        ("\x1b[38;5;8mgrey", "\x1b[38;5;8mgrey"),
        ("\x1b[38;2;8;8;8mdark", "\x1b[38;2;8;8;8mdark"),
        ("\x1b[8mhidden", "hidden"),
        ("\x1b[1;8mhidden", "hidden"),
        ("50%\r100%\r\n", "50%\n100%\n"),
        ("\x9b2J", "�2J"),
        ("\u202eevil", "�evil"),
        ("bell\a\b", "bell␇␈"),
    ],
)
def test_a_sequence_becomes(text: str, shown: str) -> None:
    assert make_text_harmless(text) == shown


@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31mred", "x\x1b[", "é😀", "a\r", "\x1b[38;5;8m!"])
def test_output_cut_anywhere_is_shown_the_same(text: str) -> None:
    data = text.encode()
    whole = b"".join(make_harmless([data]))
    for cut in range(len(data) + 1):
        assert b"".join(make_harmless([data[:cut], data[cut:]])) == whole


def test_colours_are_given_back_at_the_end() -> None:
    stream = HarmlessStream()
    assert stream.feed(b"\x1b[31mred") + stream.end() == b"\x1b[31mred" + RESET.encode()
    assert b"".join(make_harmless([b"plain"])) == b"plain"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"),
     (1023, "1023 B"), (1024, "1.0 KB"),
     (12_800, "12.5 KB"), ((1 << 20) - 1, "1.0 MB"), (1 << 60, "1024.0 PB")],
)  # fmt: skip
def test_a_size_reads(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "-"), (0, "0ms"), (999, "999ms"), (1000, "1.0s"), (59_949, "59.9s"), (59_950, "1m00s"),
     (185_000, "3m05s"), (7_800_000, "2h10m"), (273_600_000, "3d04h")],
)  # fmt: skip
def test_a_duration_reads(ms: int | None, text: str) -> None:
    assert format_duration(ms) == text


@given(st.text(max_size=30), st.integers(1, 30))
def test_a_fitted_text_is_never_too_wide(text: str, width: int) -> None:
    assert display_width(fit(sanitize(text), width)) <= width


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5), st.integers(14, 60))
def test_a_table_is_never_wider_than_the_terminal(rows: list[tuple[str, str]], width: int) -> None:
    lines = render([Column("A", 5), Column("B", 6, 1)], rows, width)
    assert len(lines) == len(rows) + 1
    assert all(display_width(line) <= width for line in lines)


def test_wide_characters_keep_columns_aligned() -> None:
    lines = render([Column("A"), Column("B")], [["日本語", "x"], ["ab", "x"]], None)
    assert [display_width(line.partition("x")[0]) for line in lines[1:]] == [8, 8]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("@cmd", "'@cmd"), ("+x", "'+x"), ("-x", "'-x"), ("\tx", "'\tx"), (-5, "-5"),
        ("a,b", '"a,b"'), ('say "hi"', '"say ""hi"""'), ("a\nb", '"a\nb"'), (None, ""), (True, "true"),
        ({}, "{}"), (["a", "b"], '"[""a"", ""b""]"'),
    ],
)  # fmt: skip
def test_a_csv_cell_is(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("npm run build", [], ["npm", "run", "build"]),
        ("npm test --", ["-k", "a b"], ["npm", "test", "--", "-k", "a b"]),
        ("a && b", [], ["sh", "-c", "a && b"]),
        ("echo $HOME", ["x y"], ["sh", "-c", 'echo $HOME "$@"', "sh", "x y"]),
    ],
)
def test_a_task_is_given_to_a_shell_only_where_it_needs_one(
    command: str, arguments: list[str], words: list[str]
) -> None:
    assert command_words(command, arguments) == words
