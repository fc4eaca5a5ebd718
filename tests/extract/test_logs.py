"""Log entries out of output: the forms that programs write, what is no entry, and what belongs to one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.extract.logs import MAX_DETAILS, MAX_ENTRIES, LogScanner
from collector.extract.text import iter_lines
from collector.model.results import LogEntry

AT = "2026-01-20T14:32:15.123Z"
SUCCESSFUL = """✅ Starting generation...
[INFO] Created server.js
[INFO] Installed express v4.18.2
[INFO] Setup environment variables
✅ Generated 15 files
[METRIC] Duration: 45000ms, Memory: 256MB, Tokens: 3500
"""
FAILED = """ERROR: Unable to connect to database
ERROR: Schema validation failed
"""
PROGRESS = """Cloning into 'repo'...
remote: Enumerating objects: 3, done.
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
   Compiling serde v1.0.200
"""


def scan(output: bytes | str, stream: str = "stdout", failed: bool = False) -> tuple[LogEntry, ...]:
    scanner = LogScanner(stream, failed)
    for line, text in iter_lines([output.encode() if isinstance(output, str) else output]):
        scanner.feed(line, text, AT)
    return scanner.finish()


def said(entries: tuple[LogEntry, ...]) -> list[tuple[str, str]]:
    return [(entry.level, entry.message) for entry in entries]


def test_the_successful_execution_of_the_source_document() -> None:
    entries = scan(SUCCESSFUL)
    assert said(entries) == [
        ("info", "Starting generation..."),
        ("info", "Created server.js"),
        ("info", "Installed express v4.18.2"),
        ("info", "Setup environment variables"),
        ("info", "Generated 15 files"),
    ]
    assert [entry.line for entry in entries] == [1, 2, 3, 4, 5]
    assert {entry.timestamp for entry in entries} == {AT}


@pytest.mark.parametrize(
    ("line", "level", "message", "context"),
    [
        (
            "[Wed Oct 11 14:32:52.357961 2023] [core:error] [pid 35708:tid 4328636416] AH00037: not allowed",
            "error", "AH00037: not allowed", {"logger": "core", "pid": 35708},
        ),
        ("[Wed Oct 11 14:32:52 2000] [warn] [client 1.2.3.4] denied", "warn", "[client 1.2.3.4] denied", {}),
        ("[Wed Oct 11 14:32:52.1 2023] [ssl:trace4] [pid 1] x", "debug", "x", {"logger": "ssl", "pid": 1}),
    ],
)  # fmt: skip
def test_apache_says_its_level_after_its_module(
    line: str, level: str, message: str, context: dict[str, Any]
) -> None:
    (entry,) = scan(line)
    assert (entry.level, entry.message, entry.context, entry.timestamp) == (level, message, context, AT)


def test_the_failed_execution_of_the_source_document() -> None:
    assert scan("Starting generation...\n", failed=True) == ()
    entries = scan(FAILED, "stderr", failed=True)
    assert said(entries) == [
        ("error", "Unable to connect to database"),
        ("error", "Schema validation failed"),
    ]
    assert {entry.stream for entry in entries} == {"stderr"}


def test_progress_on_stderr_is_an_error_only_where_the_run_failed() -> None:
    assert scan(PROGRESS, "stderr", failed=False) == ()
    assert scan(PROGRESS, "stdout", failed=True) == ()
    assert [entry.level for entry in scan(PROGRESS, "stderr", failed=True)] == ["error", "error"]


def test_a_line_on_stderr_keeps_the_level_that_it_has() -> None:
    assert said(scan("warning: unused variable\n[INFO] x\n", "stderr", failed=True)) == [
        ("warn", "unused variable"),
        ("info", "x"),
    ]


MARCH = "2026-03-04T05:06:07.089Z"
FORMS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    ("[WARNING] low disk", "warn", "low disk", AT, {}),
    ("[ error ]: low disk", "error", "low disk", AT, {}),
    ("INFO: ready", "info", "ready", AT, {}),
    ("ERROR:app.db:lost", "error", "lost", AT, {"logger": "app.db"}),
    ("2026-03-04 05:06:07,089 - app - ERROR - lost", "error", "lost", AT, {"logger": "app"}),
    ("2026-03-04 05:06:07,089 [main] WARN com.Foo - slow", "warn", "com.Foo - slow", AT,
     {"logger": "[main]"}),
    ("2026-03-04T05:06:07.089Z ERROR app::db: lost", "error", "app::db: lost", MARCH, {}),
    ("2026-03-04T07:06:07.089+02:00 DEBUG x", "debug", "x", MARCH, {}),
    ("[2026-03-04T05:06:07.089Z ERROR app] lost", "error", "app: lost", MARCH, {}),
    ("2026-03-04 05:06:07.089 | ERROR    | m:f:3 - lost", "error", "m:f:3 - lost", AT, {}),
    ("2026/03/04 05:06:07 [crit] 12#0: *1 denied", "error", "12#0: *1 denied", AT, {}),
    ("2026-03-04T05:06:07.089Z listening", "info", "listening", MARCH, {}),
    ('2026-03-04T05:06:07.089Z {"level":"warn","msg":"x"}', "warn", "x", MARCH, {}),
    ("2026-03-04T05:06:07.089Z ##[error]exit code 1", "error", "exit code 1", MARCH, {}),
    ("<11>Mar  4 05:06:07 web app[42]: full", "error", "full", AT,
     {"host": "web", "program": "app", "pid": 42}),
    ("Mar  4 05:06:07 web cron: run", "info", "run", AT, {"host": "web", "program": "cron"}),
    ('time=2026-03-04T05:06:07.089Z level=warn msg="a \\"b\\"" n=3', "warn", 'a "b"', MARCH, {"n": "3"}),
    ("E0304 05:06:07.089 7 a.go:33] lost", "error", "lost", AT, {"thread": "7", "source": "a.go:33"}),
    ("[05:06:07 ERR] lost", "error", "lost", AT, {}),
    ("WARN[0003] slow", "warn", "slow", AT, {}),
    ("npm ERR! code ENOENT", "error", "code ENOENT", AT, {"logger": "npm"}),
    ("npm error code ENOENT", "error", "code ENOENT", AT, {"logger": "npm"}),
    ("::warning file=a.py,line=3::old%0Acode", "warn", "old\ncode", AT, {"file": "a.py", "line": "3"}),
    ("--- FAIL: TestSum (0.00s)", "error", "TestSum (0.00s)", AT, {}),
    ("❌ Deploy", "warn", "Deploy", AT, {}),
    ("step 3 ⚠️ slow", "warn", "step 3  slow", AT, {}),
    ('{"level":50,"time":1772600767089,"pid":1,"msg":"lost"}', "error", "lost", MARCH, {"pid": 1}),
    ('{"level":"error","ts":1772600767.089,"msg":"lost"}', "error", "lost", MARCH, {}),
    ('{"name":"app","level":40,"msg":"x","time":"2026-03-04T05:06:07.089Z","v":0}', "warn", "x", MARCH,
     {"name": "app", "v": 0}),
    ('{"event":"x","level":"info","timestamp":"2026-03-04T05:06:07.089Z"}', "info", "x", MARCH, {}),
    ('{"@timestamp":"2026-03-04T05:06:07.089Z","log.level":"ERROR","message":"x"}', "error", "x", MARCH, {}),
    ('{"@t":"2026-03-04T05:06:07.089Z","@mt":"Hi {n}","n":1}', "info", "Hi {n}", MARCH, {"n": 1}),
    ('{"@t":"2026-03-04T05:06:07.089Z","@mt":"Hi","@l":"Fatal"}', "error", "Hi", MARCH, {}),
    ("src/a.c:3:5: error: expected ';'", "error", "src/a.c:3:5: error: expected ';'", AT, {}),
    ("a.cs(3,4): warning CS0168: unused", "warn", "a.cs(3,4): warning CS0168: unused", AT, {}),
    ("3 errors generated.", "error", "3 errors generated.", AT, {}),
    ("KeyError: 'x'", "error", "KeyError: 'x'", AT, {}),
    ("connection ERROR seen", "error", "connection ERROR seen", AT, {}),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=[form[0][:40] for form in FORMS])
def test_each_form_says_level_message_time_and_context(
    form: tuple[str, str, str, str, dict[str, Any]],
) -> None:
    line, level, message, timestamp, context = form
    assert scan(line) == (
        LogEntry(level=level, message=message, stream="stdout", line=1, timestamp=timestamp, context=context),
    )


@pytest.mark.parametrize(
    "line",
    [
        "0 errors, 0 warnings", "no errors", "Errors: 0", "error=0", "    0 Error(s)", "see error_log.txt",
        "tests/error.py", "--error", "testing error handling", "✓ throws an error", "test a::error ... ok",
        "tests/test_a.py::test_ERROR PASSED", "[main] hello", "[METRIC] errors: 3 ERROR", "error: null",
        "# FAIL:  0", '{"name": "my-app", "level": 3}', '{"level": "error", "msg": ', "src/terror.c",
        "information", 'echo "ERROR: none"', '"error": {', "copying warnings.py",
        "Compiling error-chain v0.12",
        "if an error occurs, call us",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_error_is_no_entry(line: str) -> None:
    assert scan(line) == ()


def test_a_traceback_that_python_logs_belongs_to_its_entry() -> None:
    script = (
        "import logging\nlogging.basicConfig(format='%(asctime)s - %(name)s - %(levelname)s - %(message)s')\n"
        "try:\n    int('x')\nexcept ValueError as error:\n    try:\n        raise KeyError('k') from error\n"
        "    except KeyError:\n        logging.getLogger('app').exception('it broke')\n"
        "logging.warning('after')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    broke, after = scan(done.stderr, "stderr")
    assert (broke.level, broke.message, broke.context["logger"]) == ("error", "it broke", "app")
    assert broke.context["details"] == "\n".join(done.stderr.decode().splitlines()[1:-1])
    assert said((after,)) == [("warn", "after")]


def test_an_uncaught_traceback_is_one_error_with_what_was_raised() -> None:
    done = subprocess.run([sys.executable, "-c", "print(1)\n1 / 0"], capture_output=True, check=False)
    (entry,) = scan(done.stderr, "stderr", failed=True)
    assert (entry.level, entry.message) == ("error", "ZeroDivisionError: division by zero")
    assert entry.line == 1
    assert 'File "<string>", line 2' in entry.context["details"]


def test_a_java_stack_trace_belongs_to_its_entry() -> None:
    trace = (
        "java.lang.IllegalStateException: boom\n\tat com.Foo.bar(Foo.java:3)\n"
        "Caused by: java.io.IOException: disk\n\tat com.Foo.baz(Foo.java:9)\n\t... 12 more"
    )
    entries = scan(f"[main] ready\nERROR: it broke\n{trace}\nnext\n")
    assert said(entries) == [("error", "it broke")]
    assert entries[0].context["details"] == trace


def test_the_message_of_dotnet_is_on_the_next_line() -> None:
    (entry,) = scan("fail: App.Db[17]\n      It broke\n      at App.Run()\n")
    assert said((entry,)) == [("error", "It broke")]
    assert entry.context == {"logger": "App.Db", "event_id": 17, "details": "      at App.Run()"}


def test_an_indented_entry_is_an_entry_of_its_own() -> None:
    assert said(scan("✅ Build\n  ❌ lint\n  more about it\n")) == [("info", "Build"), ("warn", "lint")]


def test_details_keep_their_beginning_and_their_end() -> None:
    (entry,) = scan("ERROR: deep\n" + "".join(f"  frame {n}\n" for n in range(10_000)))
    details = entry.context["details"]
    assert len(details) <= MAX_DETAILS
    assert details.startswith("  frame 0\n")
    assert details.endswith("frame 9999")


def test_twenty_thousand_are_kept_errors_first_and_all_are_counted() -> None:
    scanner = LogScanner("stdout")
    for line in range(1, 30_001):
        scanner.feed(line, f"[INFO] {line}", None)
    for line in range(30_001, 30_101):
        scanner.feed(line, "[ERROR] late", None)
    entries = scanner.finish()
    assert len(entries) == MAX_ENTRIES
    assert sum(entry.level == "error" for entry in entries) == 100
    assert [entry.line for entry in entries] == sorted(entry.line for entry in entries)
    assert scanner.counts() == {"debug": 0, "info": 30_000, "warn": 0, "error": 100}


WORDS = st.lists(
    st.sampled_from([
        "ERROR", "error", ": ", "[", "]", "{", '"level":', '"msg":"x"', "}", "level=", "msg=", '"', "\n",
        "\n  ", "2026-03-04T05:06:07", "9999-99-99 99:99:99", "Z ", "<11>", "::",
        "Traceback (most recent call last):",
        "❌", "fail: a[1]", "npm ERR! ", "E0304 05:06:07.1 1 a:1] ", "1e999", "\\ud800", "NaN", "٣",
    ])
    | st.text(max_size=8),
    max_size=30,
).map("".join)  # fmt: skip


@given(WORDS, st.booleans())
def test_any_output_gives_entries_that_can_be_written_and_read(output: str, failed: bool) -> None:
    entries = scan(output.encode("utf-8", "replace"), "stderr", failed)
    for entry in entries:
        assert entry == LogEntry.from_json(entry.to_json())
        assert json.dumps(entry.to_json(), ensure_ascii=False, allow_nan=False).encode()


HOSTILE = {
    "dots": "a.b" * 20_000, "brackets": "[" * 60_000, "words": "error " * 10_000,
    "negated": "no errors " * 6_000,
    "quotes": 'a="\\' * 10_000 + " level=x", "colons": "::error a:b" * 5_000,
    "names": "a." * 30_000 + "Error",
    "time": "2026-03-04 05:06:07 " + "x" * 60_000, "braces": "{" * 60_000, "json": '{"level":' * 6_000 + "}",
    "keys": "a" * 60_000 + " level=", "spaces": "ERROR" + " " * 60_000 + "x",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_costs_no_more_than_its_length(name: str) -> None:
    scanner = LogScanner("stderr", failed=True)
    for number in range(20):
        scanner.feed(number, HOSTILE[name], None)
    assert len(scanner.finish()) <= 20
