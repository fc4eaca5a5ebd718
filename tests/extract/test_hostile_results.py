"""Files that are broken, or made to hurt: nothing is raised but NotResults, nothing outside is looked at."""

from __future__ import annotations

import contextlib
import io
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.extract.coverage import read_coverage
from collector.extract.reports import read_test_report
from collector.extract.values import NotResults
from tests.extract.reading import FIXTURES, case_named, cases_of, coverage_in, only_case, report_in

RESULT_FILES = sorted(path for path in FIXTURES.rglob("*") if path.suffix in (".xml", ".json", ".info"))


class Bytes(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def made(*parts: Iterator[bytes] | bytes) -> io.BufferedReader:
    def chained() -> Iterator[bytes]:
        for part in parts:
            yield from (part,) if isinstance(part, bytes) else part

    return io.BufferedReader(Bytes(chained()))


def repeat(part: bytes, times: int) -> Iterator[bytes]:
    return (part for _ in range(times))


@given(st.binary())
def test_any_bytes_are_results_or_are_not(content: bytes) -> None:
    for read in (read_test_report, read_coverage):
        with contextlib.suppress(NotResults):
            read(io.BytesIO(content), "x")


@pytest.mark.parametrize("path", RESULT_FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_any_prefix_of_a_file_is_read_as_far_as_it_goes(path: Path) -> None:
    content = path.read_bytes()
    for end in range(0, len(content), max(1, len(content) // 200)):
        for read in (read_test_report, read_coverage):
            with contextlib.suppress(NotResults):
                read(io.BytesIO(content[:end]), "x")


@settings(max_examples=200)
@given(st.sampled_from(RESULT_FILES), st.data())
def test_any_damaged_file_is_read_as_far_as_it_goes(path: Path, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
    for read in (read_test_report, read_coverage):
        with contextlib.suppress(NotResults):
            read(io.BytesIO(bytes(content)), "x")


def test_failures_before_the_break_are_kept_and_the_break_is_said() -> None:
    report = report_in("<testsuite><testcase name='a'><failure message='no'/></testcase><testcase name='b'>")
    assert only_case(report).name == "a"
    assert report.problems == ("report.xml: broken XML in line 1: no element found",)


def test_a_test_that_is_cut_off_within_its_failure_is_kept() -> None:
    report = report_in("<testsuite><testcase name='a'/><testcase name='b'><failure message='no'>text of th")
    assert [(case.name, case.outcome) for case in cases_of(report)] == [("a", "passed"), ("b", "failed")]
    assert case_named(report, "b").message == "no"


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file://{secret}">]>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "file://{secret}"> %p;]>',
        "<!DOCTYPE r [<!ENTITY % p \"<!ENTITY q '{secret}'>\"> %p;]>",
    ],
    ids=["laughs", "external", "external parameter", "parameter"],
)
def test_entities_are_refused(head: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    head = head.replace("{secret}", str(secret))
    for root in ("testsuite", "coverage"):
        with pytest.raises(NotResults, match="entities"):
            report_in(f"{head}<{root}>&x;</{root}>")


def test_a_huge_entity_used_often_is_refused() -> None:
    with pytest.raises(NotResults, match="entities"):
        report_in(f'<!DOCTYPE r [<!ENTITY a "{"x" * 100_000}">]><testsuite>{"&a;" * 10_000}</testsuite>')


def test_a_dtd_is_neither_read_nor_fetched(tmp_path: Path) -> None:
    dtd = tmp_path / "x.dtd"
    dtd.write_text('<!ENTITY inside "from the DTD">')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        addresses = (f"http://127.0.0.1:{server.getsockname()[1]}/x.dtd", f"file://{dtd}", str(dtd))
        for address in addresses:
            for declared in (f'SYSTEM "{address}"', f'PUBLIC "-//x" "{address}"'):
                report = report_in(
                    f"<!DOCTYPE testsuite {declared}><testsuite><testcase name='a'>"
                    "<failure>&inside;.</failure></testcase></testsuite>"
                )
                assert only_case(report).details == "."
        with pytest.raises(BlockingIOError):
            server.accept()


def test_deep_nesting_stops_with_a_line_about_it() -> None:
    report = report_in("<testsuite><testcase name='a'/>" + "<x>" * 100_000)
    assert only_case(report).name == "a"
    assert report.problems == ("report.xml: nested deeper than 1,000 levels",)


def test_deep_json_is_no_coverage() -> None:
    with pytest.raises(NotResults):
        coverage_in('{"a":' * 100_000)


def test_a_tag_without_end_stops_with_a_line_about_it() -> None:
    file = made(b"<testsuite><testcase name='a'/><testcase name='", repeat(b"x" * 65536, 1000))
    report = read_test_report(file, "x")
    assert only_case(report).name == "a"
    assert report.problems == ("x: a tag or comment of more than 8 MB",)


def test_memory_does_not_grow_with_one_endless_text() -> None:
    file = made(
        b"<testsuite><testcase name='a'><failure>first\n", repeat(b"x" * 65536, 500),
        b"\nlast</failure><system-out>", repeat(b"y\n" * 32768, 500), b"</system-out></testcase></testsuite>",
    )  # fmt: skip
    tracemalloc.start()
    report = read_test_report(file, "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    case = only_case(report)
    assert (case.details or "").startswith("first\nx")
    assert (case.details or "").endswith("x\nlast")
    assert "characters left out" in (case.output or "")
    assert len(case.details or "") < 20_100
    assert peak < 3_000_000


def test_memory_does_not_grow_with_an_lcov_line_without_end() -> None:
    file = made(b"SF:a.c\nDA:1,1\nDA:2,0\nSF:", repeat(b"x" * 65536, 500), b"\nDA:1,1\nend_of_record\n")
    tracemalloc.start()
    report = read_coverage(file, "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(file.path, file.lines) for file in report.files] == [("a.c", 2)]
    assert report.problems == ("x: 1 parts of it are beyond the limits and left out",)
    assert peak < 3_000_000


def test_control_characters_become_question_marks() -> None:
    report = report_in(
        b"<testsuite><testcase name='a\x00b'><failure>\x1b[31mred\x01</failure></testcase></testsuite>"
    )
    case = only_case(report)
    assert (case.name, case.details) == ("a?b", "?[31mred?")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_every_encoding_that_is_declared_is_read(encoding: str) -> None:
    declared = encoding.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    text = f"<?xml version='1.0' encoding='{declared}'?><testsuite><testcase name='größe'/></testsuite>"
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert only_case(report_in(mark + text.encode(encoding))).name == "größe"


@pytest.mark.parametrize("encoding", ["utf-7", "utf-32", "no-such-thing", "base64", "big5", "idna"])
def test_an_encoding_that_cannot_be_read_is_no_results(encoding: str) -> None:
    with pytest.raises(NotResults):
        report_in(f"<?xml version='1.0' encoding='{encoding}'?><testsuite/>")


def test_bytes_that_are_not_in_the_encoding_end_the_reading() -> None:
    report = report_in(b"<testsuite><testcase name='a'/><testcase name='\xff'/></testsuite>")
    assert only_case(report).name == "a"
    assert "not well-formed" in report.problems[0]


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"<", b"<html/>", b"{}", b"[]", b"[1]", b"TN", b"SF", b"\0" * 100, b"plain", b'{"total": 3}'],
)
def test_something_else_is_not_results(content: bytes) -> None:
    for read in (read_test_report, read_coverage):
        with pytest.raises(NotResults):
            read(io.BytesIO(content), "x")


def test_names_with_prefixes_are_read() -> None:
    report = report_in(
        '<t:TestRun xmlns:t="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><t:Results>'
        '<t:UnitTestResult testName="A" outcome="Passed"/></t:Results></t:TestRun>'
    )
    assert only_case(report).name == "A"
