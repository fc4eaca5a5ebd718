"""The forms in which programs print log entries, and what is none."""

from __future__ import annotations

import pytest

from collector.extract.logs import LogScanner
from collector.extract.metrics import MetricScanner
from collector.model.results import LogEntry


def only(text: str, stream: str = "stdout", failed: bool = False) -> LogEntry | None:
    scanner = LogScanner(stream, failed)
    scanner.feed(1, text, "2026-01-01T00:00:00.000Z")
    found = scanner.finish()
    return found[0] if found else None


FORMS = [
    ("[INFO] Created server.js", "info", "Created server.js"),
    ("[error]: disk is full", "error", "disk is full"),
    ("WARNING: deprecated", "warn", "deprecated"),
    ("ERROR:root:something broke", "error", "something broke"),
    ("2026-01-02 03:04:05,123 - app.db - ERROR - no connection", "error", "no connection"),
    ("2026-01-02T03:04:05.123Z INFO [main] started", "info", "[main] started"),
    ("2026-01-02 03:04:05.123  WARN 1 --- [main] o.s.Boot : slow", "warn", "1 --- [main] o.s.Boot : slow"),
    ("2026/01/02 03:04:05 [error] 12#0: *1 open() failed", "error", "12#0: *1 open() failed"),
    ('time="2026-01-02T03:04:05Z" level=warning msg="low space" disk=/dev/sda', "warn", "low space"),
    ('{"level":50,"time":1767323045000,"msg":"boom","pid":7}', "error", "boom"),
    ('{"timestamp":"2026-01-02T03:04:05Z","severity":"WARNING","message":"hm"}', "warn", "hm"),
    ('{"@t":"2026-01-02T03:04:05Z","@l":"Error","@mt":"failed {x}","x":1}', "error", "failed {x}"),
    ('{"event":"request","level":"debug","path":"/"}', "debug", "request"),
    ("E0102 03:04:05.123456   1 server.cc:12] cannot bind", "error", "server.cc:12] cannot bind"),
    ("fail: Microsoft.Hosting[0]", "error", "Microsoft.Hosting[0]"),
    ("npm ERR! code ELIFECYCLE", "error", "code ELIFECYCLE"),
    ("npm warn deprecated x@1", "warn", "deprecated x@1"),
    ("::error file=a.js,line=3::bad token", "error", "bad token"),
    ("✅ Generated 15 files", "info", "Generated 15 files"),
    ("❌ Build failed", "warn", "Build failed"),
    ("⚠️ careful", "warn", "careful"),
    (
        "src/a.ts(3,5): error TS2304: Cannot find name",
        "error",
        "src/a.ts(3,5): error TS2304: Cannot find name",
    ),
    ("a.c:3:5: error: expected ';'", "error", "a.c:3:5: error: expected ';'"),
]


@pytest.mark.parametrize(("line", "level", "message"), FORMS, ids=[form[0][:30] for form in FORMS])
def test_a_line_that_says_its_level_is_an_entry(line: str, level: str, message: str) -> None:
    entry = only(line)
    assert entry is not None
    assert (entry.level, entry.message) == (level, message)


@pytest.mark.parametrize(
    "line",
    [
        "Finished with 0 errors", "no errors found", "tail -f error_log.txt", "compiling errors.py", "",
        "Building the information system", "[METRIC] Tokens: 5", "failover ready", "https://x/error", "   ",
        '{"a": 1}',
    ],
)  # fmt: skip
def test_a_line_that_only_mentions_a_level_is_none(line: str) -> None:
    assert only(line) is None


def test_times_with_a_zone_are_kept_and_others_are_when_the_line_came() -> None:
    entries = [only(text) for text in (
        '{"level":50,"time":1767323045000,"msg":"boom"}',
        "2026-01-02T05:04:05+02:00 ERROR x",
        "2026-01-02 03:04:05 ERROR x",
        "[ERROR] x",
    )]  # fmt: skip
    assert [entry and entry.timestamp for entry in entries] == [
        "2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000Z", "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.000Z",
    ]  # fmt: skip


def test_what_else_an_entry_says_is_its_context() -> None:
    entry = only('{"level":"warn","msg":"slow","ms":1200,"user":{"id":5}}')
    assert entry is not None
    assert entry.context == {"ms": 1200, "user": {"id": 5}}
    entry = only("::error file=a.js,line=3::bad token")
    assert entry is not None
    assert entry.context == {"file": "a.js", "line": "3"}


def test_a_traceback_belongs_to_the_entry_above_it() -> None:
    scanner = LogScanner("stderr", failed=False)
    lines = [
        "ERROR:app:request failed",
        "Traceback (most recent call last):",
        '  File "a.py", line 3',
        "    x()",
        "done",
    ]
    for number, text in enumerate(lines, 1):
        scanner.feed(number, text)
    (entry,) = scanner.finish()
    assert entry.message == "request failed"
    assert entry.context["details"].splitlines() == lines[1:4]


def test_plain_lines_on_stderr_are_errors_only_of_a_run_that_failed() -> None:
    assert only("Receiving objects: 100%", "stderr", failed=False) is None
    entry = only("cannot open x", "stderr", failed=True)
    assert entry is not None
    assert entry.level == "error"
    assert only("cannot open x", "stdout", failed=True) is None


METRICS = [
    ("Used 3500 tokens", {"tokens_used": 3500}),
    ("Tokens: 3500", {"tokens_used": 3500}),
    ("tokens=3,500", {"tokens_used": 3500}),
    ("CPU: 45%", {"cpu_percent": 45}),
    ("cpu 12.5 %", {"cpu_percent": 12.5}),
    ("Memory: 256MB", {"memory_mb": 256}),
    ("Memory usage: 1.5 GB", {"memory_mb": 1500}),
    ("peak memory: 512 MiB", {"memory_mb": 512}),
    ("Duration: 45000ms", {"duration_ms": 45000}),
    ("Elapsed: 4.2s", {"duration_ms": 4200}),
    ("[METRIC] Duration: 45000ms, Memory: 256MB, Tokens: 3500",
     {"duration_ms": 45000, "memory_mb": 256, "tokens_used": 3500}),
    ("the tokenizer expected 3 tokens here", {}),
    ("in memory of 256 people", {}),
    ("GPU: 45%", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), METRICS, ids=[m[0][:30] for m in METRICS])
def test_metrics_are_found_and_prose_is_none(line: str, expected: dict[str, float]) -> None:
    scanner = MetricScanner()
    scanner.feed(line)
    assert scanner.found() == expected


def test_the_last_metric_of_a_kind_counts() -> None:
    scanner = MetricScanner()
    for line in ("Tokens: 5", "CPU: 10%", "Tokens: 900"):
        scanner.feed(line)
    assert scanner.found() == {"tokens_used": 900, "cpu_percent": 10}
