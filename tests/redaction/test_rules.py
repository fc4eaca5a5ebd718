"""The user's own rules, and what the user says is no secret."""

from __future__ import annotations

import pytest

from collector.errors import InputError
from collector.redaction import build_rules, find_secrets, mask, mask_text
from tests.redaction.samples import token


def test_a_rule_of_the_users_is_found_and_named() -> None:
    rules = build_rules({"ticket": r"TCK-[0-9]{6}"})
    assert mask(b"see TCK-123456, not TCK-12", rules) == b"see [REDACTED:ticket], not TCK-12"


def test_only_the_first_group_of_a_rule_is_masked() -> None:
    rules = build_rules({"pin": r"pin (\d{4})"})
    assert mask(b"the pin 1234 of", rules) == b"the pin [REDACTED:pin] of"


def test_a_rule_with_letters_beyond_ascii_is_understood() -> None:
    assert (
        mask_text("Schlüssel=ÄÖ", build_rules({"de": "Schl[üu]ssel=([ÄÖÜ]+)"})) == "Schlüssel=[REDACTED:de]"
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "missing"),
        ("(?=x)", "invalid"),
        ("x*", "fits no text"),
        ("a{2000}", "repetition"),
        ("\\1", "escape"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why(pattern: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        build_rules({"mine": pattern})
    assert caught.value.code == "ACODE-RUN-037"
    assert "mine" in str(caught.value)
    assert said in str(caught.value)


def test_a_rule_needs_a_name_that_fits_in_a_mark() -> None:
    with pytest.raises(InputError, match="ACODE-RUN-037"):
        build_rules({"a]b": "x"})


def test_what_is_allowed_is_left() -> None:
    secret = "ghp_" + token(36)
    rules = build_rules(allow=["ghp_[A-Za-z0-9]+"])
    assert mask(f"a {secret} b".encode(), rules) == f"a {secret} b".encode()
    assert find_secrets(f"password=x{secret}".encode(), rules) != []


def test_an_allowed_expression_that_cannot_be_used_says_why() -> None:
    with pytest.raises(InputError, match="ACODE-RUN-037"):
        build_rules(allow=["["])


@pytest.mark.parametrize("text", ["", "plain", "café ☕", "lone \ud800 surrogate", "a\0b"])
def test_text_without_secrets_stays(text: str) -> None:
    assert mask_text(text, build_rules()) == text


def test_text_around_a_secret_stays() -> None:
    assert (
        mask_text("☕ password=hunter2x9 \ud800", build_rules())
        == "☕ password=[REDACTED:assigned-secret] \ud800"
    )
