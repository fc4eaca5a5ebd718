"""Durations, counts and texts as producers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.values import BoundedText, bounded, milliseconds, some, whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", 1500), ("0", 0), ("0.000001", 0.001), ("1,234.567", 1_234_567), ("1.234,5", 1_234_500),
        ("0,25", 250), ("1,234,567", 1_234_567_000), ("1e-3", 1), ("2s", 2000), (" 3 ", 3000),
        ("00:00:01.5000000", 1500), ("01:01:01", 3_661_000), ("1.00:00:00", 86_400_000),
        ("00:00:00.1084258", 108.4258),
    ],
)  # fmt: skip
def test_durations_are_read_as_they_are_written(text: str, expected: float) -> None:
    assert milliseconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", None, "x", "-1", "nan", "inf", "1e999", "1:2", ",", "."])
def test_what_is_no_duration_is_none(text: str | None) -> None:
    assert milliseconds(text) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("12", 12), (" 7 ", 7), ("-1", None), ("x", None), ("9" * 30, None)]
)
def test_counts_are_whole_numbers(text: str, expected: int | None) -> None:
    assert whole(text) == expected


@given(st.text(max_size=50))
def test_any_text_can_be_asked_for_a_number(text: str) -> None:
    milliseconds(text)
    whole(text)


@given(st.lists(st.text(max_size=40)), st.integers(0, 60))
def test_a_bounded_text_keeps_its_ends_however_it_comes(parts: list[str], half: int) -> None:
    holder = BoundedText(2 * half)
    for part in parts:
        holder.add(part)
    whole_text, told = "".join(parts), str(holder)
    if len(whole_text) <= 2 * half:
        assert told == whole_text
    else:
        left_out = len(whole_text) - 2 * half
        note = f"\n[... {left_out:,} characters left out ...]\n"
        assert told == whole_text[:half] + note + whole_text[len(whole_text) - half :]


def test_a_long_text_is_cut_in_the_middle_with_a_note() -> None:
    assert bounded("a" * 10 + "b" * 10, 6) == "aaa\n[... 14 characters left out ...]\nbbb"


def test_an_empty_text_is_none() -> None:
    assert some(" \r\n ", 10) is None
    assert some("a\r\nb ", 10) == "a\nb"
