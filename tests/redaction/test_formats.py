"""Tokens whose format their maker publishes are found, and so are values beside names that say so."""

from __future__ import annotations

import json
import string

import pytest

from collector.redaction import build_rules, find_secrets, mask
from collector.redaction.providers import FORMATS
from collector.redaction.rules import light
from tests.redaction.samples import LETTERS, token

RULES = build_rules()
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"

# Beginning, length and alphabet as the makers' documentation has them; put together when the tests run.
TOKENS = {
    "aws-access-key-id": ("AKIA", 16, UPPER, ""),
    "gcp-api-key": ("AIza" + "Sy", 33, LETTERS, ""),
    "gcp-oauth-secret": ("GOCSPX" + "-", 28, LETTERS, ""),
    "github-token": ("gho" + "_", 36, LETTERS, ""),
    "github-fine-grained-token": ("github" + "_pat_", 82, LETTERS, ""),
    "gitlab-token": ("glpat" + "-", 20, LETTERS, ""),
    "slack-token": ("xoxb" + "-123456789012-123456789012-", 24, LETTERS, ""),
    "stripe-key": ("sk" + "_live_", 24, LETTERS, ""),
    "openai-key": ("sk" + "-", 48, LETTERS, ""),
    "anthropic-key": ("sk-ant" + "-api03-", 93, LETTERS, "AA"),
    "npm-token": ("npm" + "_", 36, LETTERS, ""),
    "pypi-token": ("pypi" + "-AgEIcHlwaS5vcmc", 90, LETTERS, ""),
    "rubygems-key": ("rubygems" + "_", 48, HEX, ""),
    "docker-token": ("dckr" + "_pat_", 27, LETTERS, ""),
    "digitalocean-token": ("dop" + "_v1_", 64, HEX, ""),
    "huggingface-token": ("hf" + "_", 34, string.ascii_letters, ""),
    "databricks-token": ("dapi", 32, HEX, ""),
    "sendgrid-key": ("SG" + ".", 22, LETTERS, "." + token(43, 7)),
    "shopify-token": ("shpat" + "_", 32, HEX, ""),
    "grafana-token": ("glsa" + "_", 32, LETTERS, "_" + token(8, 7, HEX)),
    "postman-key": ("PMAK" + "-", 24, HEX, "-" + token(34, 7, HEX)),
    "vault-token": ("hvs" + ".", 24, LETTERS, ""),
    "telegram-token": ("1234567890" + ":A", 34, LETTERS, ""),
    "age-key": ("AGE-SECRET-KEY" + "-1", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", ""),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9" + ".eyJ", 40, LETTERS, "." + token(43, 8)),
}


@pytest.mark.parametrize("rule", TOKENS)
@pytest.mark.parametrize(
    "place", ["{}", "log: {}", "({})", '"{}"', "x={}&y", "{}\\n", "\t{};", "https://h/{}"]
)
def test_a_token_is_masked_wherever_it_stands(rule: str, place: str) -> None:
    begin, length, alphabet, end = TOKENS[rule]
    secret = begin + token(length, 11, alphabet) + end
    text = place.format(secret)
    if rule == "aws-access-key-id" and place.endswith("{}\\n"):
        text = secret + "\\"  # what follows must not go on the word
    found = find_secrets(text.encode(), RULES)
    assert [text.encode()[one.start : one.end].decode() for one in found] == [secret]
    assert found[0].rule in (rule, "assigned-secret")


def test_every_format_has_a_word_in_its_pattern() -> None:
    for rule in FORMATS:
        assert rule.words, rule.name
        assert rule.light or light(rule.pattern), rule.name


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD={}",
        "password: {}",
        "  - name: API_TOKEN\n    value: {}",
        '{{"name": "API_TOKEN", "value": "{}"}}',
        '{{"user": "me", "client_secret": "{}"}}',
        '{{\\"token\\": \\"{}\\"}}',
        "<password>{}</password>",
        '<add key="Password" value="{}" />',
        "secret_key = '{}'",
        "token: str = '{}'",
        'var apiKey string = "{}"',
        "$env:TOKEN = '{}'",
        "export SECRET={} && run",
        "deploy --token {} --verbose",
        "deploy --password={}",
        "curl -u me:{} https://example.org",
        "mysql -u root -p{} db",
        "postgres://me:{}@localhost:5432/db",
        "GET /?api_key={}&page=2",
        "Authorization: Basic {}",
        "-H 'X-Api-Key: {}'",
        "create user me identified by '{}';",
        "machine example.org login me password {}",
        "Server=db;User=me;Password={};Timeout=3",
        "password: |\n  {}\n",
        "\x1b[32mpassword\x1b[0m: {}",
        "TOKEN => {}",
        "os.environ['TOKEN'] = '{}'",
        'System.setProperty("API_TOKEN", "{}")',
        "env = {{PATH=/bin, X_PASSWORD={}, LANG=C}}",
    ],
)
def test_a_value_beside_a_name_is_masked(text: str) -> None:
    for length in (12, 20, 40):
        secret = token(length, 12)
        data = text.format(secret).encode()
        masked = mask(data, RULES)
        assert secret.encode() not in masked
        start, end = (part.format().encode() for part in text.split("{}"))
        assert masked.startswith(start)
        assert masked.endswith(end)


@pytest.mark.parametrize(
    "text",
    [
        "password: must not be empty",
        "password = os.environ['DB_PASSWORD']",
        "password=${DB_PASSWORD}",
        "password: <your password>",
        "PASSWORD=changeme",
        "token=$TOKEN",
        "api_key: {{ secrets.API_KEY }}",
        "token: 1234",
        "max_tokens=4096 total_tokens: 123456",
        "tokens per second: 123.45",
        "secret: null",
        "if password == self.password:",
        "def login(user: str, password: str) -> Token:",
        "Enter password:",
        "https://example.org:8080/path@2x.png",
        "git@github.com:owner/name.git",
        "ssh://git@example.org:22/x",
        "key: value",
        "Cache restored from key: Linux-node-3f786850e387550fdab836ed7e6dc881de23001b",
        "public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7",
        "token [REDACTED:github-token]",
        "password=[REDACTED:assigned-secret]",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "request 123e4567-e89b-12d3-a456-426614174000 took 12 ms",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE",
        "tests/test_password.py::test_token_expires PASSED",
        "Downloading tokenizers-0.13.3-cp311-cp311-manylinux_2_17_x86_64.whl (7.8 MB)",
        "--hash=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text.encode(), RULES).decode() == text


def test_json_with_secrets_stays_json() -> None:
    data = {"password": token(20, 1), "list": [{"token": token(30, 2)}], "plain": "x"}
    masked = json.loads(mask(json.dumps(data).encode(), RULES))
    assert masked["plain"] == "x"
    assert masked["password"] == masked["list"][0]["token"] == "[REDACTED:assigned-secret]"
