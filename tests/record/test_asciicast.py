"""asciicast: what a player is told of a run, from real recordings and from folders made by hand."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal
from typing import cast as cast_type

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.model.run import Run
from collector.record.asciicast import write_cast
from collector.record.output_index import HEADER, encode
from tests.conftest import ACODE, Acode
from tests.terminal import Screen, Terminal

Piece = tuple[int, int, bytes]
START = 1_768_919_535_250  # 2026-01-20T14:32:15.250Z


def run(**known: Any) -> Run:
    fields: dict[str, Any] = {
        "status": "success", "exit_code": 0, "end_time": START + 5000, "duration_ms": 5000,
        "environment": {"TERM": "xterm-256color", "SHELL": "/bin/bash", "SECRET": "x"},
    }  # fmt: skip
    return Run(
        run_id="01J", name="make-20260120-143215", task="make", command="make", start_time=START,
        **{"command_line": "make all", **fields, **known},
    )  # fmt: skip


def folder(path: Path, pieces: Sequence[Piece], is_indexed: bool = True) -> str:
    """Make a run folder; a piece is (milliseconds since the one before, stream, bytes)."""
    path.mkdir(exist_ok=True)
    for number, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        (path / name).write_bytes(b"".join(data for _, stream, data in pieces if stream == number))
    index = b"".join(encode(ms * 1000, stream, len(data)) for ms, stream, data in pieces)
    (path / "output.idx").unlink(missing_ok=True)
    if is_indexed:
        (path / "output.idx").write_bytes(HEADER + index)
    return str(path)


def cast(
    where: str, version: Literal[2, 3] = 3, of: Run | None = None, **options: Any
) -> tuple[dict[str, Any], list[Any]]:
    target = io.BytesIO()
    count = write_cast(of or run(), where, target, version=version, **options)
    header, *events = [json.loads(line) for line in target.getvalue().splitlines()]
    assert count == len(events)
    return header, events


PIECES: list[Piece] = [(100, 1, b"one\n"), (250, 2, b"two\n"), (0, 1, b"three")]


def test_version_3_has_times_since_the_event_before_and_the_exit_code(tmp_path: Path) -> None:
    header, events = cast(folder(tmp_path, PIECES), max_idle=1.5, columns=120, rows=40)
    assert header == {
        "version": 3, "term": {"cols": 120, "rows": 40, "type": "xterm-256color"}, "timestamp": START // 1000,
        "idle_time_limit": 1.5, "command": "make all", "title": "make-20260120-143215",
        "env": {"SHELL": "/bin/bash"},
    }  # fmt: skip
    assert events == [[0.1, "o", "one\r\n"], [0.25, "o", "two\r\n"], [0.0, "o", "three"], [4.65, "x", "0"]]


def test_version_2_has_times_since_the_start_and_no_exit_code(tmp_path: Path) -> None:
    header, events = cast(folder(tmp_path, PIECES), 2)
    assert header == {
        "version": 2, "width": 80, "height": 24, "duration": 5.0, "timestamp": START // 1000,
        "command": "make all", "title": "make-20260120-143215",
        "env": {"SHELL": "/bin/bash", "TERM": "xterm-256color"},
    }  # fmt: skip
    assert events == [[0.1, "o", "one\r\n"], [0.35, "o", "two\r\n"], [0.35, "o", "three"]]


@pytest.mark.parametrize(
    ("known", "last"),
    [
        ({"exit_code": 3, "status": "failure"}, [5.0, "x", "3"]),
        ({"exit_code": None, "signal": 9, "status": "failure"}, [5.0, "x", "137"]),
        ({"exit_code": None, "status": "timeout"}, None),
        ({"exit_code": None, "status": "running", "duration_ms": None, "end_time": None}, None),
        ({"exit_code": 1, "duration_ms": None}, [0.0, "x", "1"]),
    ],
)
def test_only_an_end_that_was_seen_is_told(tmp_path: Path, known: dict[str, Any], last: Any) -> None:
    _, events = cast(folder(tmp_path, []), of=run(**known))
    assert events == ([last] if last else [])


def test_rounding_never_adds_up(tmp_path: Path) -> None:
    tenths = [(0, 1, b"x") for _ in range(1000)]
    path = folder(tmp_path, tenths)
    (tmp_path / "output.idx").write_bytes(HEADER + b"".join(encode(1900, 1, 1) for _ in tenths))
    _, events = cast(path, of=run(exit_code=None))
    assert round(sum(ms for ms, _, _ in events) * 1000) == 1900


def test_what_went_to_a_terminal_stays_as_it_was(tmp_path: Path) -> None:
    pieces: list[Piece] = [(1, 1, b"\x1b[1m$ \r\nx\ny\n"), (1, 2, b"a\nb\n"), (1, 1, b"\x1b[?1049h\x1b[H\n")]
    _, events = cast(folder(tmp_path, pieces), of=run(exit_code=None))
    assert [text for _, _, text in events] == [
        "\x1b[1m$ \r\nx\ny\n", "a\r\nb\r\n", "\x1b[?1049h\x1b[H\n",
    ]  # fmt: skip
    _, events = cast(folder(tmp_path, [(1, 1, b"\x1b[?1049h\x1b[H\n\n")]), of=run(exit_code=None))
    assert events[0][2] == "\x1b[?1049h\x1b[H\n\n"


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        ([b"a\n", b"b\r", b"\nc\n\n"], "a\r\nb\r\nc\r\n\r\n"),
        ([b"a\r", b"\nb\n"], "a\r\nb\n"),
        ([b"\n", b"\n"], "\r\n\r\n"),
        ([b"\xc3", b"\xa9\n"], "é\r\n"),
        ([b"\xf0\x9f\x98", b"\x80", b"\xff\n"], "\N{GRINNING FACE}\N{REPLACEMENT CHARACTER}\r\n"),
        ([b"cut \xe2\x82"], "cut \N{REPLACEMENT CHARACTER}"),
        ([b"\0\x7f\x1b]0;t\x07\xc2\x9b31m"], "\0\x7f\x1b]0;t\x07\x9b31m"),
    ],
)
def test_pieces_are_shown_as_a_terminal_shows_them(tmp_path: Path, pieces: list[bytes], shown: str) -> None:
    _, events = cast(folder(tmp_path, [(1, 1, data) for data in pieces]), of=run(exit_code=None))
    assert "".join(text for _, _, text in events) == shown
    assert all(text for _, _, text in events)


def test_characters_of_both_streams_do_not_mix(tmp_path: Path) -> None:
    pieces: list[Piece] = [(1, 1, b"\xc3"), (1, 2, b"\xe2\x82"), (1, 1, b"\xa9"), (1, 2, b"\xac")]
    _, events = cast(folder(tmp_path, pieces), of=run(exit_code=None))
    assert events == [[0.003, "o", "é"], [0.001, "o", "€"]]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=20)
)
def test_everything_that_was_recorded_is_shown(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[Piece]
) -> None:
    path = tmp_path_factory.mktemp("run")
    target = io.BytesIO()
    write_cast(run(exit_code=None), folder(path, pieces), target)
    assert not any(byte not in (10, *range(32, 127), *range(128, 256)) for byte in target.getvalue())
    _, *events = [json.loads(line) for line in target.getvalue().decode().split("\n")[:-1]]
    shown = "".join(text for _, _, text in events).replace("\r", "").replace("\n", "")
    for stream in (1, 2):
        text = b"".join(data for _, s, data in pieces if s == stream).decode("utf-8", "replace")
        left = iter(shown)
        assert all(character in left for character in text.replace("\r", "").replace("\n", ""))
    assert round(sum(ms for ms, _, _ in events) * 1000) <= sum(ms for ms, _, _ in pieces)


@pytest.mark.parametrize("version", [2, 3])
def test_without_an_index_all_output_comes_at_the_start(tmp_path: Path, version: Literal[2, 3]) -> None:
    _, events = cast(folder(tmp_path, PIECES, is_indexed=False), version)
    assert [e for e in events if e[1] == "o"] == [[0.0, "o", "one\r\nthree"], [0.0, "o", "two\r\n"]]
    assert [e for e in events if e[1] == "x"] == ([[5.0, "x", "0"]] if version == 3 else [])


def test_a_run_folder_that_is_gone_is_a_recording_without_output(tmp_path: Path) -> None:
    _, events = cast(str(tmp_path / "gone"))
    assert events == [[5.0, "x", "0"]]


def test_a_torn_index_loses_no_output(tmp_path: Path) -> None:
    path = folder(tmp_path, PIECES)
    whole = (tmp_path / "output.idx").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "output.idx").write_bytes(whole[:length])
        _, events = cast(path, of=run(exit_code=None))
        assert sorted("".join(text for _, _, text in events)) == sorted("one\r\nthreetwo\r\n")


def test_a_command_line_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    header, _ = cast(folder(tmp_path, []), of=run(command_line="caf\udce9 \x9b31m\x7f"))
    assert header["command"] == "caf? \x9b31m\x7f"


class Counter(io.RawIOBase):
    """Counts what is written and keeps nothing."""

    size = 0

    def write(self, data: Any, /) -> int:
        self.size += len(data)
        return len(data)


@pytest.mark.parametrize("is_indexed", [True, False])
def test_memory_stays_flat(tmp_path: Path, is_indexed: bool) -> None:
    megabytes = 64
    line = b"x" * 99 + b"\n"
    path = folder(tmp_path, [(1, 1, b"")], is_indexed)
    with (tmp_path / "stdout.txt").open("wb") as file:
        for _ in range(megabytes):
            file.write(line * 10_000)
    if is_indexed:
        index = b"".join(encode(1000, 1, 1_000_000) for _ in range(megabytes))
        (tmp_path / "output.idx").write_bytes(HEADER + index)
    counter = Counter()
    tracemalloc.start()
    write_cast(run(), path, cast_type(BinaryIO, counter))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counter.size > megabytes * 1_000_000
    assert peak < 3_000_000


def test_a_real_run_through_pipes_plays_as_it_ran(acode: Acode) -> None:
    acode.exec("sh", "-c", "printf 'a\\nb\\n'; echo err >&2; exit 3")
    header, events = cast(str(acode.folder()), of=Run.from_json(acode.record()))
    assert sorted("".join(e[2] for e in events[:-1]).split("\r\n")) == ["", "a", "b", "err"]
    assert events[-1][1:] == ["x", "3"]
    assert header["title"] == acode.record()["name"]
    took = round(sum(ms for ms, _, _ in events) * 1000)
    assert took == acode.record()["duration_ms"]


def test_a_real_run_on_a_terminal_plays_to_the_same_screen(acode: Acode) -> None:
    script = r"printf 'one\ntwo\n'; printf '\033[5;10Hfive\n'; echo err >&2; stty raw; printf 'a\nb'; exit 2"
    terminal = Terminal([*ACODE, "exec", "--", "sh", "-c", script], acode.environ, str(acode.root))
    assert terminal.finish() == 2
    _, events = cast(str(acode.folder()), of=Run.from_json(acode.record()))
    screen = Screen(80, 24)
    stream = pyte.Stream(screen)
    for _, code, text in events:
        if code == "o":
            stream.feed(text)
    assert screen.display == terminal.screen.display
    assert screen.display[4].rstrip() == "         five"
    assert events[-1][1:] == ["x", "2"]
