"""One line to search by: which words are conditions, and which are text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import InputError
from collector.query.search_line import search_pattern, split_search


@pytest.mark.parametrize(
    ("line", "text", "conditions"),
    [
        ("connection refused", "connection refused", ""),
        ("connection  refused status:failed", "connection  refused", "status:failed"),
        ("status:failed connection -task:lint refused", "connection refused", "status:failed -task:lint"),
        ("error: cannot open", "error: cannot open", ""),
        ('"status:failed"', "status:failed", ""),
        (r'"say \"hi\""', 'say "hi"', ""),
        ("re:/a b|c\\/d/ since:1d", "re:/a b|c\\/d/", "since:1d"),
        ("https://example.org/x", "https://example.org/x", ""),
        ("src/a.py:12: note", "src/a.py:12: note", ""),
        ('cmd:"npm run" failed', "failed", 'cmd:"npm run"'),
        ("@slow x @other", "x @other", "@slow"),
        ("", "", ""),
        ('half "open', 'half "open', ""),
    ],
)
def test_words_with_a_key_are_conditions_and_the_rest_is_text(line: str, text: str, conditions: str) -> None:
    assert split_search(line, {"slow"}) == (text, conditions)


@given(st.text(alphabet='ab :"\\/-@re', max_size=30))
def test_any_line_is_split(line: str) -> None:
    text, conditions = split_search(line)
    assert isinstance(text, str)
    assert isinstance(conditions, str)


@pytest.mark.parametrize(
    ("text", "line", "fits"),
    [
        ("error", "An ERROR", True),
        ("Error", "An ERROR", False),
        (r"re:/\Wx/", "(X", True),
        ("re:/e+r/", "eeer", True),
        ("a+b", "a+b", True),
        ("a+b", "aab", False),
    ],
)
def test_case_matters_where_a_capital_letter_is_typed(text: str, line: str, fits: bool) -> None:
    assert search_pattern(text).fits(line) is fits


@pytest.mark.parametrize("text", ["", "re:/(/", "a\nb"])
def test_what_cannot_be_looked_for_is_said(text: str) -> None:
    with pytest.raises(InputError):
        search_pattern(text)


def test_an_expression_may_stand_between_slashes_or_alone() -> None:
    for text in ("re:/a.c/", "re:a.c", "re:/A.C/i"):
        assert search_pattern(text, ignore_case=False).fits("xabc")
    assert not search_pattern("re:/A.C/").fits("abc")
    assert search_pattern("re:/a/b/").fits("xa/b")


def test_an_expression_that_a_shell_has_cut_is_not_taken_for_a_text() -> None:
    with pytest.raises(InputError, match="no closing slash"):
        search_pattern("re:/line")
    with pytest.raises(InputError, match="nothing to look for"):
        search_pattern("re://")
