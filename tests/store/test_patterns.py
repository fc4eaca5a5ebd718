from __future__ import annotations

import sqlite3

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.errors import InputError
from collector.store.patterns import compile_regex, compile_text, indexable, trigram_match

LETTERS = st.text("abcABCkK\u212as\u017féÉ \"'*()[]\0\n.", max_size=12)
ATOMS = st.sampled_from(
    ["abc", "aB", ".", ".*", "[ab]", "[^c]", "\\w+", "k", "É", "s", "(?i:abc)", "(?i:k)", "\\babc\\b", "x?",
     "(?:abc|bca)", "(abc)+", "(abc){2}", "c{3}", "(?:ab|)", "(a|b|ca)bc", "^a", "c$", "\\.",
     "\\x41", "[[:alpha:]]"]
)  # fmt: skip
REGEXES = st.lists(ATOMS, min_size=1, max_size=5).map("".join)


def found_by_index(text: str, match: str) -> bool:
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(c, content='', detail=none, tokenize='trigram')")
        db.execute("INSERT INTO t (rowid, c) VALUES (1, ?)", [indexable(text)])
        return bool(db.execute("SELECT 1 FROM t WHERE t MATCH ?", [match]).fetchall())
    finally:
        db.close()


@given(source=REGEXES, text=LETTERS, ignore_case=st.booleans())
@example(source="(?i:k)bc", text="\u212abc", ignore_case=False)
@example(source="abc.abc", text="abc\0abc", ignore_case=False)
@settings(max_examples=150)
def test_index_finds_every_text_that_an_expression_matches(source: str, text: str, ignore_case: bool) -> None:
    pattern = compile_regex(source, ignore_case)
    match = trigram_match(pattern)
    if match is not None and pattern.fits(text):
        assert found_by_index(text, match), match


@given(text=LETTERS, around=LETTERS, ignore_case=st.booleans())
@settings(max_examples=100)
def test_index_finds_every_text_that_holds_a_text(text: str, around: str, ignore_case: bool) -> None:
    pattern = compile_text(text, ignore_case)
    whole = around + (text.swapcase() if ignore_case and text.isascii() else text) + around
    match = trigram_match(pattern)
    assert pattern.fits(whole)
    if match is not None:
        assert found_by_index(whole, match), match


def test_index_tells_a_text_without_the_word() -> None:
    match = trigram_match(compile_regex("connection (refused|reset)"))
    assert match is not None
    assert found_by_index("the connection refused it", match)
    assert not found_by_index("the connection was closed", match)


def test_plain_text_means_itself() -> None:
    assert compile_text("a.c(").find("xa.c(") == (1, 5)
    assert not compile_text("a.c").fits("abc")
    assert compile_text("REFUSED", ignore_case=True).fits("refused")


@pytest.mark.parametrize("source", ["(", "(?=x)", "(a)\\1", "a{1000}{1000}", "x" * 5000, "\\pQ"])
def test_what_is_no_expression_is_said_in_one_line(source: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_regex(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("source", ["(a+)+$", "(a|aa)+$", "(.*)*b", "([a-z]+)*\\d", "(x+x+)+y"])
def test_expression_that_explodes_elsewhere_answers(source: str) -> None:
    assert not compile_regex(source).fits("a" * 20_000 + "x!" if source != "(a|aa)+$" else "a" * 20_000 + "!")


def test_lone_surrogates_do_no_harm() -> None:
    assert not compile_text("a\ud800").fits("b")
