"""The parts of a run folder: records, index, streams, names; any prefix of it is readable."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from collector.clock import format_iso, parse_iso
from collector.durable import safe_join
from collector.ids import is_ulid, new_ulid, run_name, slug
from collector.record import describe, output_index, spool
from collector.record.folder import make_run_folder
from collector.record.run_json import Json, dump_record, dumps
from collector.record.streams import OutputIndex, Stream

quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_what_is_written_by_hand_is_what_json_reads(value: Json) -> None:
    assert json.loads(dumps(value)) == value


@given(st.dictionaries(st.text(), json_values, min_size=1))
def test_a_record_is_one_json_object(record: dict[str, Json]) -> None:
    assert json.loads(dump_record(record)) == record


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert json.loads(dumps(os.fsdecode(b"caf\xe9"))) == "caf\ufffd"


@given(st.integers(0, 2**48 - 1))
def test_an_id_is_a_ulid_of_its_time(ms: int) -> None:
    made = new_ulid(ms)
    assert is_ulid(made)
    assert int(ULID.from_str(made).timestamp * 1000 + 0.5) == pytest.approx(ms, abs=1)
    assert str(ULID.from_str(made)) == made


def test_ids_of_later_times_sort_later() -> None:
    assert new_ulid(1_000) < new_ulid(1_001) < new_ulid(2**47)


@given(st.text())
def test_a_slug_is_safe_as_a_folder_name(text: str) -> None:
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not slug(text).startswith((".", "-"))


def test_run_names_follow_the_contract() -> None:
    ms = parse_iso("2026-01-20T14:32:15.123Z")
    assert run_name("Test All!", ms) == "test-all-20260120-143215"
    assert run_name("", ms, 2) == "run-20260120-143215-2"


@given(st.integers(0, 4102444800000))
def test_times_survive_being_written(ms: int) -> None:
    assert parse_iso(format_iso(ms)) == ms


def test_colliding_names_get_numbers(tmp_path: Path) -> None:
    names = [make_run_folder(str(tmp_path), "t", 0, 0o755) for _ in range(20)]
    assert names[:3] == ["t-19700101-000000", "t-19700101-000000-1", "t-19700101-000000-2"]
    assert len(set(names)) == 20


pieces = st.lists(
    st.tuples(st.integers(0, 10**7), st.sampled_from([1, 2]), st.binary(min_size=1, max_size=300))
)


def write_folder(folder: Path, events: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Write a run folder's streams; return the events with absolute times."""
    for name in ("stdout.txt", "stderr.txt", "output.idx"):
        (folder / name).unlink(missing_ok=True)
    streams = {
        1: Stream(str(folder / "stdout.txt"), 0, False, 0o644),
        2: Stream(str(folder / "stderr.txt"), 0, False, 0o644),
    }
    index = OutputIndex(str(folder / "output.idx"), 0o644, 0)
    now, absolute = 0, []
    for delta, stream, data in events:
        now += delta
        index.add(now, stream, streams[stream].write(data))
        absolute.append((now // 1000, stream, data))
    index.close()
    for each in streams.values():
        each.finish(0)
    return absolute


def merge(events: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Join neighbours of one stream and time, so that chunking does not matter."""
    merged: list[tuple[int, int, bytes]] = []
    for ms, stream, data in events:
        if merged and merged[-1][:2] == (ms, stream):
            merged[-1] = (ms, stream, merged[-1][2] + data)
        else:
            merged.append((ms, stream, data))
    return merged


@quick
@given(pieces)
def test_the_index_gives_back_order_and_times(tmp_path: Path, events: list[tuple[int, int, bytes]]) -> None:
    absolute = write_folder(tmp_path, events)
    assert merge(list(output_index.iter_output(str(tmp_path)))) == merge(absolute)


@quick
@given(pieces, st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_any_prefix_of_a_run_folder_is_readable(
    tmp_path: Path, events: list[tuple[int, int, bytes]], out: int, err: int, index: int
) -> None:
    write_folder(tmp_path, events)
    for name, length in (("stdout.txt", out), ("stderr.txt", err), ("output.idx", index)):
        os.truncate(tmp_path / name, min(length, (tmp_path / name).stat().st_size))
    seen = {1: io.BytesIO(), 2: io.BytesIO()}
    for _, stream, data in output_index.iter_output(str(tmp_path)):
        seen[stream].write(data)
    assert seen[1].getvalue() == (tmp_path / "stdout.txt").read_bytes()
    assert seen[2].getvalue() == (tmp_path / "stderr.txt").read_bytes()


@quick
@given(st.binary(max_size=2000), st.integers(1, 500), st.booleans(), st.integers(1, 64))
def test_a_limited_stream_keeps_its_ends_and_counts_the_rest(
    tmp_path: Path, data: bytes, limit: int, keeps_tail: bool, chunk: int
) -> None:
    path = tmp_path / "stream"
    path.unlink(missing_ok=True)
    stream = Stream(str(path), limit, keeps_tail, 0o644)
    for begin in range(0, len(data), chunk):
        stream.write(data[begin : begin + chunk])
    cut = stream.cut_bytes
    stream.finish(0)
    kept = path.read_bytes()
    assert stream.total_bytes == len(data)
    if len(data) <= limit:
        assert (kept, cut) == (data, 0)
    else:
        head = limit // 2 if keeps_tail else limit
        assert kept.startswith(data[:head])
        assert cut == len(data) - limit
        assert b"%d bytes cut here" % cut in kept
        if keeps_tail:
            assert kept.endswith(data[-(limit - head) :])


def test_announcements_are_whole_or_not_there(tmp_path: Path) -> None:
    spool.announce(str(tmp_path), spool.RUN, "2026/01/20/a-1")
    spool.announce(str(tmp_path), spool.RUN, "2026/01/20/a-1")
    spool.announce(str(tmp_path), spool.END, "b.c-2")
    (tmp_path / "stray").write_text("")
    (tmp_path / ".hidden.run").write_text("")
    found = spool.list_announcements(str(tmp_path))
    assert [(kind, subject) for _, kind, subject in found] == [("run", "2026/01/20/a-1"), ("end", "b.c-2")]
    spool.promote_to_seal(str(tmp_path), found[1][0])
    spool.remove(str(tmp_path), [found[0][0]])
    assert [(kind, subject) for _, kind, subject in spool.list_announcements(str(tmp_path))] == [
        ("seal", "b.c-2")
    ]


@pytest.mark.parametrize(
    ("argv", "line", "task", "kind"),
    [
        (["pytest", "-q"], "pytest -q", "pytest", "test"),
        (["python", "-m", "pytest"], "python -m pytest", "pytest", "test"),
        (["npm", "run", "build"], "npm run build", "npm", "build"),
        (["npm", "run", "test:unit"], "npm run test:unit", "npm", "test"),
        (["sh", "-c", "make -j4 && echo ok"], "make -j4 && echo ok", "make", "build"),
        (["env", "A=1", "cargo", "test"], "env A=1 cargo test", "cargo", "test"),
        (["echo", "it's", "a b", ""], "echo 'it'\"'\"'s' 'a b' ''", "echo", "command"),
        (["/usr/bin/../bin/ls"], "/usr/bin/../bin/ls", "ls", "command"),
        (["../../etc/passwd"], "../../etc/passwd", "passwd", "command"),
        (["\x1b]52;c;evil\x07"], "'\x1b]52;c;evil\x07'", "52-c-evil", "command"),
    ],
)
def test_a_command_is_described(argv: list[str], line: str, task: str, kind: str) -> None:
    assert describe.command_line(argv) == line
    assert describe.task_name(argv) == task
    assert describe.guess_type(argv) == kind


def test_the_environment_is_an_allow_list_without_secrets() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/me",
        "ACODE_X": "1",
        "ACODE_API_TOKEN": "t",
        "MY_KEY": "k",
        "EXTRA": "e",
    }
    environ |= {f"ACODE_N{i:02}": "" for i in range(80)}
    chosen = describe.select_environment(environ, ("EXTRA", "MY_KEY"))
    assert len(chosen) == 50
    assert not {"HOME", "ACODE_API_TOKEN", "MY_KEY"} & chosen.keys()
    assert describe.select_environment({"PATH": "p", "EXTRA": "e"}, ("EXTRA",)) == {"EXTRA": "e", "PATH": "p"}


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a/.", "x\0y", "link/x"]
)
def test_a_path_cannot_leave_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base/link").symlink_to("/etc")
    with pytest.raises(ValueError, match="folder"):
        safe_join(str(tmp_path / "base"), path)


def test_a_path_within_its_folder_is_joined(tmp_path: Path) -> None:
    assert safe_join(str(tmp_path), "a/b..c/-d") == str(tmp_path / "a/b..c/-d")
