"""A condition put into a filter and taken out again leaves the rest as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import Choice, FilterError, choices_of, parse_query, toggle_choice, without_field

NOW = 1_768_910_400_000
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)
FIELDS = st.sampled_from(["task", "agent", "model", "session_id", "tag"])


@pytest.mark.parametrize(
    ("text", "choice", "edited"),
    [
        ("", Choice("status", "failure"), "status:failure"),
        ("since:1h pytest", Choice("status", "failure"), "since:1h pytest status:failure"),
        ("status:failure", Choice("status", "failure"), ""),
        ("since:1h status:failed  pytest", Choice("status", "failure"), "since:1h  pytest"),
        ("status:failure", Choice("status", "timeout"), "status:failure,timeout"),
        ("status:failure,timeout x", Choice("status", "failure"), "status:timeout x"),
        ("status:failure", Choice("status", "failure", negated=True), "-status:failure"),
        ("-status:failure", Choice("status", "failure"), "status:failure"),
        ("-status:failure", Choice("status", "failure", negated=True), ""),
        ("-status:failure", Choice("status", "timeout", negated=True), "-status:failure,timeout"),
        ("duration:>1s", Choice("task", "a b"), 'duration:>1s task:"a b"'),
        ("", Choice("task", "a*b"), "task:=a*b"),
        ("task:x", Choice("task", "a*b"), "task:=x,a*b"),
        ("task:=x,a*b", Choice("task", "x"), "task:=a*b"),
        ("", Choice("session_id", "s1"), "session:=s1"),
        ("", Choice("@", "slow"), "@slow"),
        ("@slow x", Choice("@", "slow"), "x"),
        ("x", Choice("@", "slow", negated=True), "x -@slow"),
        ('"@slow"', Choice("@", "slow"), '"@slow" @slow'),
        ("task:re:/x/", Choice("task", "x"), "task:re:/x/ task:x"),
    ],
)
def test_a_condition_is_toggled_in_the_text(text: str, choice: Choice, edited: str) -> None:
    assert toggle_choice(text, choice, known=["s1", "s10"]) == edited


@given(FIELDS, st.lists(VALUES, min_size=1, max_size=4, unique=True), st.booleans())
def test_whatever_the_values_are_they_are_asked_for_and_taken_back(
    field: str, values: list[str], negated: bool
) -> None:
    text = "since:1h"
    chosen = [Choice(field, value, negated) for value in values]
    for choice in chosen:
        text = toggle_choice(text, choice)
    assert set(choices_of(text)) == set(chosen)
    parsed = [term for term in parse_query(text, NOW).terms if term.field == field]
    assert {value for term in parsed for value in term.values} == set(values)
    for choice in chosen:
        text = toggle_choice(text, choice)
    assert text == "since:1h"


def test_a_filter_without_its_conditions_on_a_field_keeps_what_nobody_chose_there() -> None:
    text = 'status:failed since:1h -status:timeout task:re:/x/ "a b" @slow'
    assert without_field(text, "status") == 'since:1h task:re:/x/ "a b" @slow'
    assert without_field(text, "task") == text


def test_what_is_no_filter_is_said_to_be_none() -> None:
    with pytest.raises(FilterError):
        toggle_choice("status:", Choice("task", "x"))
