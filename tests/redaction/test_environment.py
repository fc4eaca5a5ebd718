"""Which variables' values are secrets."""

from __future__ import annotations

import pytest

from collector.redaction import secret_values


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "api_key",
        "MYSQL_PWD",
        "NPM_AUTH",
        "STRIPE_KEY",
        "PGPASSWORD",
    ],
)
def test_a_variable_named_like_a_secret_is_one(name: str) -> None:
    assert secret_values({name: "n0t-for-all"}) == [b"n0t-for-all"]


@pytest.mark.parametrize(
    "name",
    [
        "PWD",
        "OLDPWD",
        "HOME",
        "SSH_AUTH_SOCK",
        "TOKEN_FILE",
        "MAX_TOKENS",
        "CACHE_KEY",
        "TOKENIZERS_PARALLELISM_MODE",
        "PATH",
    ],
)
def test_other_variables_are_not(name: str) -> None:
    assert secret_values({name: "n0t-for-all"}) == []


@pytest.mark.parametrize("value", ["true", "disabled", "12345678", "/run/secrets/token", "short"])
def test_a_value_that_is_no_secret_is_left(value: str) -> None:
    assert secret_values({"APP_SECRET": value}) == []


def test_named_variables_are_secrets_whatever_they_are_called() -> None:
    assert secret_values({"PLAIN": "n0t-for-all", "OTHER": "for-everyone"}, ["PLAIN"]) == [b"n0t-for-all"]


def test_passwords_in_addresses_are_secrets() -> None:
    assert secret_values({"DATABASE_URL": "postgres://me:hidden42@db/x"}) == [b"hidden42"]
