"""What comes out of a stream does not depend on how it was cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import StreamRedactor, build_rules, find_secrets, mask
from collector.redaction.rules import Rules
from tests.redaction.samples import text_with_secrets, token

SAMPLE = text_with_secrets()
RULES = build_rules(known=[token(18, 20).encode()])
TEXT = SAMPLE.replace(b"done", b"done with " + token(18, 20).encode() + b"\n")


def in_pieces(data: bytes, cuts: list[int], rules: Rules) -> bytes:
    redactor = StreamRedactor(rules)
    places = [0, *sorted(cuts), len(data)]
    parts = [redactor.feed(data[start:end]) for start, end in itertools.pairwise(places)]
    return b"".join([*parts, redactor.finish()])


def test_any_cut_in_two_gives_the_same() -> None:
    expected = mask(TEXT, RULES)
    assert all(in_pieces(TEXT, [cut], RULES) == expected for cut in range(len(TEXT)))


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
