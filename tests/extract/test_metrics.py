"""Metrics that a program prints about itself, and prose that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.metrics import MetricScanner
from tests.extract.test_logs import FAILED, SUCCESSFUL


def found(*lines: str) -> dict[str, float | int]:
    scanner = MetricScanner()
    for line in lines:
        scanner.feed(line)
    return scanner.found()


def test_the_examples_of_the_source_document() -> None:
    assert found(*SUCCESSFUL.splitlines()) == {"duration_ms": 45000, "memory_mb": 256, "tokens_used": 3500}
    assert found(*FAILED.splitlines()) == {}


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("Used 3500 tokens", "tokens_used", 3500),
        ("✅ Done, used 3,500 tokens.", "tokens_used", 3500),
        ("Tokens: 3500", "tokens_used", 3500),
        ("tokens=3,500", "tokens_used", 3500),
        ("run finished tokens=3500 status=ok", "tokens_used", 3500),
        ("[INFO] Total tokens: 3.5k", "tokens_used", 3500),
        ("tokens used: 12,345", "tokens_used", 12345),
        ("12345 tokens used", "tokens_used", 12345),
        ("CPU: 45%", "cpu_percent", 45),
        ("cpu usage: 12.5 %", "cpu_percent", 12.5),
        ("avg CPU 350%", "cpu_percent", 350),
        ("0.02user 0.01system 0:00.03elapsed 88%CPU", "cpu_percent", 88),
        ("Memory: 256MB", "memory_mb", 256),
        ("Peak memory: 1.5 GB", "memory_mb", 1536),
        ("Memory usage: 512 MiB", "memory_mb", 512),
        ("memory=1024KB", "memory_mb", 1),
        ("Duration: 45000ms", "duration_ms", 45000),
        ("Duration: 4.2s", "duration_ms", 4200),
        ("   Duration  1.23s (transform 100ms, setup 0ms)", "duration_ms", 1230),
        ("Duration: 1m 30s", "duration_ms", 90000),
        ("duration=2 minutes", "duration_ms", 120000),
        ("INFO Duration: 3s", "duration_ms", 3000),
    ],
)
def test_a_labelled_number_is_a_metric(line: str, key: str, value: float) -> None:
    assert found(line) == {key: value}


def test_one_line_may_hold_several() -> None:
    line = "[METRIC] duration_ms=45000 cpu_percent=12.5 memory_mb=256 tokens_used=3500"
    assert found(line) == {"duration_ms": 45000, "cpu_percent": 12.5, "memory_mb": 256, "tokens_used": 3500}


def test_the_last_one_wins() -> None:
    assert found("Tokens: 1", "Tokens: 2, Tokens: 3", "no more tokens") == {"tokens_used": 3}


@pytest.mark.parametrize(
    "line",
    [
        "max_tokens=4096", "Max tokens: 4096", "35 tokens/s", "Tokens: 35/s", "the limit is 4096 tokens",
        "input tokens: 100", "Tokens: 1200 in, 300 out", "3 tokens remaining", "Used 35 tokens per second",
        "Memory limit: 2GB", "Total memory: 16GB", "Memory: 3GB free", "memory: 256", "Memory: 50%",
        "reduced CPU by 45%", "CPU: 8 cores", "the cookie duration: 30s", "Duration: unknown", "duration: 5",
        "durations: 3s", '{"tokens": 5, "memory": "256MB", "duration": "3s"}', "tokens = parse(3)",
        "mytokens=3",
    ],
)  # fmt: skip
def test_prose_and_limits_are_none(line: str) -> None:
    assert found(line) == {}


@given(
    st.lists(
        st.sampled_from(
            ["tokens", "Used ", "duration", "memory", "cpu", "=", ": ", "%", "9" * 15, "1,000", " ", "MB"]
        )
        | st.text(max_size=5),
        max_size=60,
    ).map("".join)
)
def test_any_text_gives_finite_numbers(text: str) -> None:
    assert all(0 <= value < 1e25 for value in found(text).values())
