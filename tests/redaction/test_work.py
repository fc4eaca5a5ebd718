"""Work grows with the text alone, whatever somebody puts into it; ordinary logs are left as they are."""

from __future__ import annotations

import base64
import hashlib
import random
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from collector.redaction import StreamRedactor, build_rules, find_secrets
from tests.redaction.samples import token

RULES = build_rules(known=[token(30, 50).encode()])
SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"


def calls_for(data: bytes) -> int:
    """Return how many functions are called, Python's and C's; searching is a call for each match."""
    count = 0

    def counting(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    redactor = StreamRedactor(RULES)
    sys.setprofile(counting)
    try:
        for start in range(0, len(data), 65536):
            redactor.feed(data[start : start + 65536])
        redactor.finish()
    finally:
        sys.setprofile(None)
    return count


HOSTILE: dict[str, bytes] = {
    "names": b"password=",
    "names in lines": b"password=\n",
    "quotes": b"token='",
    "escaped quotes": b'secret=\\"',
    "colons": b"key:" + b" " * 20,
    "begins": b"-----BEGIN PRIVATE KEY-----\n",
    "begins in a line": b"-----BEGIN PRIVATE KEY-----",
    "addresses": b"https://a:b",
    "letters": b"a",
    "blanks": b" \t",
    "a known value": token(30, 50).encode(),
    "half a known value in lines": token(30, 50).encode()[:20] + b"\n",
    "tokens": b"ghp_" + token(36, 51).encode() + b" ",
    "returns": b"\r",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_text_is_twice_the_work(kind: str) -> None:
    unit = HOSTILE[kind]
    calls_for(unit * 10)
    once, twice = calls_for(unit * (10_000 // len(unit))), calls_for(unit * (20_000 // len(unit)))
    assert twice < 2.5 * once + 2000


ORDINARY: dict[str, Callable[[random.Random], str]] = {
    "hashes": lambda chosen: (
        f"{hashlib.sha256(chosen.randbytes(8)).hexdigest()}  build/objects/{chosen.randrange(99)}.o"
    ),
    "requests": lambda chosen: (
        f"INFO request_id={uuid.UUID(bytes=chosen.randbytes(16))} trace={chosen.randbytes(16).hex()} 200"
    ),
    "base64": lambda chosen: base64.b64encode(chosen.randbytes(57)).decode(),
    "wheels": lambda chosen: (
        f"Downloading token_bucket-{chosen.randrange(9)}.1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    ),
    "layers": lambda chosen: (
        f"#{chosen.randrange(20)} sha256:{chosen.randbytes(32).hex()} 3.1MB / 9.6MB 0.{chosen.randrange(9)}s"
    ),
    "commits": lambda chosen: (
        f"* {chosen.randbytes(4).hex()} Tokens: passwords are not kept ({chosen.randrange(999)})"
    ),
    "tests": lambda chosen: (
        f"tests/test_auth.py::test_password_{chosen.randrange(99)}[token-{chosen.randrange(99)}] PASSED"
    ),
    "npm": lambda chosen: (
        f"npm http fetch GET 200 https://host/keyv/-/keyv-4.5.{chosen.randrange(9)}.tgz 12ms"
    ),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_logs_have_no_secrets(kind: str) -> None:
    chosen = random.Random(kind)
    lines = "\n".join(ORDINARY[kind](chosen) for _ in range(3000))
    found = find_secrets(lines.encode(), RULES)
    assert [lines.encode()[one.start : one.end] for one in found] == []


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not part of the project")
def test_samples_of_test_results_and_coverage_have_no_secrets() -> None:
    found: dict[str, list[bytes]] = {}
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and path.parts[len(SAMPLES.parts)] in ("coverage", "junit", "trx"):
            data = path.read_bytes()[: 2 << 20]
            secrets = [data[one.start : one.end] for one in find_secrets(data, RULES)]
            found.update({path.name: secrets} if secrets else {})
    assert found == {}
