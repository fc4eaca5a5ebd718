"""What comes out of a stream does not depend on how it was cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import StreamRedactor, build_rules, find_secrets, mask
from collector.redaction.rules import Rules
from collector.redaction.stream import AHEAD, PIECE
from tests.redaction.samples import text_with_secrets, token

SAMPLE = text_with_secrets()
RULES = build_rules(known=[token(18, 20).encode()])
TEXT = SAMPLE.replace(b"done", b"done with " + token(18, 20).encode() + b"\n")


def in_pieces(data: bytes, cuts: list[int], rules: Rules) -> bytes:
    redactor = StreamRedactor(rules)
    places = [0, *sorted(cuts), len(data)]
    parts = [redactor.feed(data[start:end]) for start, end in itertools.pairwise(places)]
    return b"".join([*parts, redactor.finish()])


def test_a_secret_cut_anywhere_is_masked_all_the_same() -> None:
    before, key, after = TEXT.partition(b"-----BEGIN")
    key, ending, after = (key + after).partition(b"KEY-----\nall tests")
    for part in (*before.splitlines(True), key + ending, *after.splitlines(True)):
        expected = mask(part, RULES)
        assert all(in_pieces(part, [cut], RULES) == expected for cut in range(len(part)))


def test_byte_by_byte_gives_the_same() -> None:
    assert in_pieces(TEXT, list(range(len(TEXT))), RULES) == mask(TEXT, RULES)


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_any_cuts_give_the_same(cuts: list[int]) -> None:
    assert in_pieces(TEXT, cuts, RULES) == mask(TEXT, RULES)


def test_masked_text_has_nothing_more_to_mask() -> None:
    masked = mask(TEXT, RULES)
    assert mask(masked, RULES) == masked
    assert find_secrets(masked, RULES) == []


def test_what_is_outside_of_findings_stays() -> None:
    masked, place, expected = mask(TEXT, RULES), 0, b""
    for found in find_secrets(TEXT, RULES):
        expected += TEXT[place : found.start] + b"[REDACTED:%s]" % found.rule.encode()
        place = found.end
    assert masked == expected + TEXT[place:]


@given(st.binary(max_size=3000))
def test_text_without_secrets_comes_out_as_it_went_in(data: bytes) -> None:
    assert mask(data, RULES) == data


@pytest.mark.parametrize("before", [0, AHEAD - 10, PIECE - 40, PIECE - 1, PIECE + AHEAD - 5, 2 * PIECE - 20])
def test_a_line_longer_than_a_piece_is_masked_however_it_comes(before: int) -> None:
    secret = f" password='{token(18, 30)}' ".encode()
    line = b"." * before + secret + b"-" * (PIECE + AHEAD) + secret
    for data in (line, b"first\n" + line + b"\nlast\n"):
        expected = mask(data, RULES)
        assert token(18, 30).encode() not in expected
        assert expected.count(b"[REDACTED:assigned-secret]") == 2
        assert in_pieces(data, list(range(0, len(data), 9973)), RULES) == expected
        assert in_pieces(data, [before, before + 15, PIECE], RULES) == expected


def test_what_was_found_is_counted() -> None:
    redactor = StreamRedactor(RULES)
    redactor.feed(TEXT)
    redactor.finish()
    assert redactor.findings == {
        "assigned-secret": 3, "authorization": 1, "aws-access-key-id": 1, "github-token": 1, "known-value": 1,
        "private-key": 2, "url-password": 1,
    }  # fmt: skip


def test_complete_lines_are_not_held_back() -> None:
    redactor = StreamRedactor(RULES)
    assert redactor.feed(b"one\ntwo\nthr") == b"one\ntwo\n"
    assert redactor.feed(b"ee\r") == b"three\r"
