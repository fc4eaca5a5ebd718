"""Values that are known to be secret are found however a program prints them, and however that is cut."""

from __future__ import annotations

import base64
import html
import itertools
import json
import random
import shlex
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction import StreamRedactor, build_rules, mask

SECRET = "pl4in\"Text'with/all&kinds<of>\\signs+é=1"
RULES = build_rules(known=[SECRET.encode()])


def in_base64(before: int, encode: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda secret: encode(b"#" * before + secret.encode() + b"?").decode()


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64, offset 0": in_base64(0, base64.b64encode),
    "base64, offset 1": in_base64(1, base64.b64encode),
    "base64, offset 2": in_base64(2, base64.b64encode),
    "base64 for URLs, offset 0": in_base64(0, base64.urlsafe_b64encode),
    "base64 for URLs, offset 1": in_base64(1, base64.urlsafe_b64encode),
    "base64 for URLs, offset 2": in_base64(2, base64.urlsafe_b64encode),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "HEXADECIMAL": lambda secret: secret.encode().hex().upper(),
    "URL": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "JSON": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "XML": html.escape,
    "shell": shlex.quote,
    r"\u": lambda secret: "".join(f"\\u{ord(character):04x}" for character in secret if character != "é"),
    "wrapped base64": lambda secret: base64.encodebytes(secret.encode() * 2).decode().replace("\n", "\r\n  "),
}
"""What is written by other programs' encoders."""


def pieces_of(secret: str, size: int = 8) -> set[str]:
    return {secret[at : at + size] for at in range(len(secret) - size + 1)}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_masked_wherever_it_is_cut(form: str) -> None:
    secret = SECRET.replace("é", "") if form == r"\u" else SECRET
    rules = build_rules(known=[secret.encode()]) if form == r"\u" else RULES
    # What base64 does not share with its neighbours is in the middle.
    text = FORMS[form](secret)
    inner = text[4:-8] if "base64" in form else text
    data = f"before {text} after\nnext line\n".encode()
    expected = mask(data, rules)
    leaks = [piece for piece in pieces_of(inner) if piece.encode() in expected and piece.strip(" \r\n")]
    assert leaks == []
    assert expected.startswith(b"before ")
    assert expected.endswith(b" after\nnext line\n")
    for cut in range(len(data)):
        redactor = StreamRedactor(rules)
        assert redactor.feed(data[:cut]) + redactor.feed(data[cut:]) + redactor.finish() == expected


@given(
    st.text("abcdefghijkXYZ0123456789+/=._-&'\"<> \\", min_size=12, max_size=40).map(str.strip),
    st.sampled_from(sorted(FORMS)),
    st.integers(0, 1 << 30),
)
def test_no_form_of_any_value_leaks_eight_characters(secret: str, form: str, seed: int) -> None:
    if len(set(secret)) < 8 or len(secret) < 12 or "  " in secret:
        return
    text = FORMS[form](secret)
    inner = text[4:-8] if "base64" in form else text
    data = f"a {text} z\n".encode()
    chosen = random.Random(seed)
    cuts = [0, *sorted(chosen.randrange(len(data)) for _ in range(4)), len(data)]
    redactor = StreamRedactor(build_rules(known=[secret.encode()]))
    parts = [redactor.feed(data[start:end]) for start, end in itertools.pairwise(cuts)]
    masked = b"".join([*parts, redactor.finish()])
    leaks = [piece for piece in pieces_of(inner) if piece.encode() in masked and not piece.isspace()]
    assert leaks == [] or form == r"\u"
    assert masked == mask(data, build_rules(known=[secret.encode()]))


@pytest.mark.parametrize("columns", [20, 37, 64, 76])
def test_a_wrapped_value_is_masked_line_by_line(columns: int) -> None:
    secret = "0123abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/45678"
    text = "\n".join(textwrap.wrap(base64.b64encode(b"user:" + secret.encode() + b":x").decode(), columns))
    masked = mask(f"begin\n{text}\nend\n".encode(), build_rules(known=[secret.encode()]))
    assert masked.count(b"\n") == text.count("\n") + 3
    assert b"[REDACTED:known-value]" in masked
    assert [piece for piece in pieces_of(text[9:-9]) if piece.encode() in masked] == []


def test_the_lines_of_a_value_of_many_are_each_a_secret() -> None:
    value = "first line of it\nsecond-line-of-it\n}\n"
    masked = mask(b'{"a": "first line of it"}\nsecond-line-of-it\n}\n', build_rules(known=[value.encode()]))
    assert masked == b'{"a": "[REDACTED:known-value]"}\n[REDACTED:known-value]\n}\n'


def test_a_value_of_less_than_six_characters_is_left() -> None:
    assert (
        mask(b"12345 and 123456", build_rules(known=[b"12345", b"123456"]))
        == b"12345 and [REDACTED:known-value]"
    )


def test_values_that_overlap_are_masked_as_one() -> None:
    assert (
        mask(b"x abcdefghij y", build_rules(known=[b"abcdefg", b"defghij"])) == b"x [REDACTED:known-value] y"
    )
