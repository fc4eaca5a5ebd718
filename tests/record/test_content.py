"""Large text is kept compressed, what is there already only once, and every reader gets the same bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import durable
from collector.record import keep as keeping_module
from collector.record.content import FRAME_BYTES, SUFFIX, open_content
from collector.record.keep import Keeping, drop_plain, keep_files, write_compressed
from collector.record.output_index import iter_output
from tests.conftest import Acode

LINE = b"2026-01-20 14:32:15 compiling module number %d of the project\n"
TEXT = b"".join(LINE % n for n in range(6000))
MORE = b"".join(LINE % n for n in range(50_000))  # several frames


def entry(path: str, content_type: str = "text/plain") -> dict[str, Any]:
    return {
        "path": path, "content_type": content_type, "checksum_sha256": None, "compressed": False,
        "size_bytes": 0, "stored_bytes": 0, "metadata": {},
    }  # fmt: skip


def keep(folder: Path, *paths: str, **options: Any) -> dict[str, dict[str, Any]]:
    kept = keep_files(str(folder), [entry(path) for path in paths], (), Keeping(min_bytes=1000), **options)
    drop_plain(str(folder), kept)
    return {item["path"]: item for item in kept}


def compress(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with path.open("rb") as file:
        write_compressed(file, str(path) + SUFFIX, 0o644)
    path.unlink()


def recorded(acode: Acode, *command: str) -> dict[str, Any]:
    acode.exec(*command)
    assert acode.run("runs", "list").returncode == 0
    return acode.record()


def test_large_text_takes_less_than_half_and_every_reader_gets_the_same(acode: Acode) -> None:
    (acode.root / "big").write_bytes(MORE)
    record = recorded(acode, "sh", "-c", "cat big; echo end >&2")
    (stdout,) = (a for a in record["artifacts"] if a["type"] == "stdout")
    assert (stdout["compressed"], stdout["size_bytes"]) == (True, len(MORE))
    assert stdout["stored_bytes"] == (acode.folder() / "stdout.txt.zst").stat().st_size < len(MORE) / 2
    assert stdout["checksum_sha256"] == hashlib.sha256(MORE).hexdigest()
    assert not (acode.folder() / "stdout.txt").exists()
    for command in (
        ["runs", "stdout"],
        ["artifacts", "cat", "@", "stdout.txt"],
        ["runs", "artifact", stdout["artifact_id"]],
    ):
        assert acode.run(*command).stdout == MORE
    assert acode.run("runs", "output").stdout.replace(b"end\n", b"") == MORE
    followed = acode.run("runs", "follow", "@")
    assert (followed.stdout, followed.stderr) == (MORE, b"end\n")
    assert b"".join(data for _, stream, data in iter_output(str(acode.folder())) if stream == 1) == MORE
    assert acode.run("runs", "cast", "@").returncode == 0
    assert acode.run("runs", "stdout").stdout.splitlines()[-1] == MORE.splitlines()[-1]


def test_the_path_of_a_compressed_file_is_that_of_its_compressed_form(acode: Acode) -> None:
    (acode.root / "big").write_bytes(TEXT)
    recorded(acode, "cat", "big")
    path = acode.run("artifacts", "path", "@", "stdout.txt").stdout.decode().strip()
    assert path == str(acode.folder() / "stdout.txt.zst")
    if shutil.which("zstd"):
        assert subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout == TEXT


def test_output_that_is_stdout_is_compressed_once(acode: Acode) -> None:
    (acode.root / "big").write_bytes(TEXT)
    recorded(acode, "cat", "big")
    one, other = (acode.folder() / f"{name}.txt.zst" for name in ("stdout", "output"))
    assert one.stat().st_ino == other.stat().st_ino
    assert acode.run("runs", "output").stdout == TEXT


def test_small_binary_and_incompressible_files_stay_as_they_are(acode: Acode) -> None:
    (acode.root / "random").write_bytes(random.Random(1).randbytes(200_000).replace(b"\0", b"x"))
    record = recorded(acode, "sh", "-c", "echo small > a.log; cp random b.log; cp random c.bin; echo hi")
    assert not any(a["compressed"] for a in record["artifacts"])
    assert not list(acode.folder().rglob("*.zst"))


def test_compression_can_be_turned_off_and_given_another_limit(acode: Acode) -> None:
    (acode.root / "big").write_bytes(TEXT)
    acode.environ["ACODE_RUNS_ARTIFACTS_COMPRESS_TEXT"] = "no"
    record = recorded(acode, "cat", "big")
    assert not any(a["compressed"] for a in record["artifacts"])
    assert (acode.folder() / "stdout.txt").read_bytes() == TEXT


def test_a_file_whose_compressed_name_is_taken_or_too_long_stays_plain(tmp_path: Path) -> None:
    long = "a" * 252
    for name in ("x.log", "x.log.zst", long):
        (tmp_path / name).write_bytes(TEXT)
    kept = keep(tmp_path, "x.log", "x.log.zst", long)
    assert [item["compressed"] for item in kept.values()] == [False, True, False]
    assert (tmp_path / "x.log").read_bytes() == (tmp_path / long).read_bytes() == TEXT


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=3000), st.integers(1, 900),
    st.lists(st.tuples(st.integers(0, 2_900_000), st.integers(0, 70_000)), max_size=12),
)  # fmt: skip
def test_reading_from_anywhere_is_slicing(seed: bytes, repeat: int, reads: list[tuple[int, int]]) -> None:
    content = (seed + b"\n") * repeat
    with tempfile.TemporaryDirectory() as folder:
        compress(Path(folder, "x"), content)
        with open_content(folder, "x") as file:
            assert file.seek(0, os.SEEK_END) == len(content)
            for offset, count in reads:
                file.seek(offset)
                assert file.read(count) == content[offset : offset + count]
            file.seek(0)
            assert file.read() == content


def test_a_damaged_file_is_an_error_of_that_file_and_never_other_bytes(tmp_path: Path) -> None:
    compress(tmp_path / "x", MORE[: 2 * FRAME_BYTES])
    whole = (tmp_path / "x.zst").read_bytes()
    found = random.Random(3)
    for _ in range(300):
        damaged = bytearray(whole)
        if found.random() < 0.3:
            del damaged[found.randrange(len(damaged)) :]
        else:
            damaged[found.randrange(len(damaged))] ^= 1 << found.randrange(8)
        (tmp_path / "x.zst").write_bytes(damaged)
        try:
            with open_content(str(tmp_path), "x") as file:
                assert file.read() == MORE[: 2 * FRAME_BYTES]
        except OSError:
            continue


def test_a_lying_seek_table_costs_no_memory(tmp_path: Path) -> None:
    import struct
    import tracemalloc

    frames = 1000
    table = struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF) * frames
    data = struct.pack("<II", 0x184D2A5E, len(table) + 9) + table + struct.pack("<IBI", frames, 0, 0x8F92EAB1)
    (tmp_path / "x.zst").write_bytes(b"\x28\xb5\x2f\xfd" + data)
    tracemalloc.start()
    with pytest.raises(OSError, match="damaged"):
        open_content(str(tmp_path), "x").read(10)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_damage_is_said_after_what_could_be_read(acode: Acode) -> None:
    (acode.root / "big").write_bytes(TEXT)
    recorded(acode, "sh", "-c", "cat big; echo fine > a.log")
    stored = acode.folder() / "a.log"
    stored.chmod(0o644)
    stored.write_text("evil\n")
    shown = acode.run("artifacts", "cat", "@", "a.log")
    assert shown.returncode == 1
    assert shown.stderr.startswith(b"acode: ACODE-ART-012: a.log is damaged")
    packed = acode.folder() / "stdout.txt.zst"
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 0xFF
    packed.write_bytes(data)
    shown = acode.run("runs", "stdout")
    assert shown.returncode == 1
    assert shown.stderr.count(b"\n") == 1
    assert b"ACODE-ART-012" in shown.stderr
    assert acode.run("runs", "list").returncode == 0


def test_links_and_pipes_in_the_place_of_a_file_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for name in ("x", "x.zst"):
        folder = tmp_path / f"of-{name}"
        folder.mkdir()
        (folder / name).symlink_to(tmp_path / "secret")
        with pytest.raises((OSError, ValueError)):
            open_content(str(folder), "x")
    os.mkfifo(tmp_path / "p")
    with pytest.raises(OSError, match="no regular file"):
        open_content(str(tmp_path), "p")
    with pytest.raises(ValueError, match="leave"):
        open_content(str(tmp_path), "../x")


# Once


def test_identical_files_of_two_runs_are_one_file_and_either_may_go(acode: Acode) -> None:
    (acode.root / "big").write_bytes(TEXT)
    acode.run("exec", "--task", "a", "--", "cat", "big")
    acode.run("runs", "list")
    acode.run("exec", "--task", "b", "--", "sh", "-c", "cat big; cp big copy.log")
    acode.run("runs", "list")
    files = [path for folder in acode.folders() for path in folder.glob("*.zst")]
    assert len(files) == 5
    assert len({path.stat().st_ino for path in files}) == 1
    assert acode.run("runs", "delete", "@1", "--force").returncode == 0
    assert acode.run("runs", "stdout", "@").stdout == TEXT
    assert acode.run("artifacts", "cat", "@", "copy.log").stdout == TEXT


def test_a_file_that_only_claims_to_be_the_same_is_not_linked(acode: Acode) -> None:
    content = random.Random(5).randbytes(20_000)
    (acode.root / "data").write_bytes(content)
    acode.run("exec", "--collect", "*.bin", "--", "cp", "data", "a.bin")
    acode.run("runs", "list")
    first = acode.folder() / "a.bin"
    first.write_bytes(b"y" + content[1:])  # damaged since
    acode.run("exec", "--task", "second", "--collect", "*.bin", "--", "cp", "data", "b.bin")
    assert acode.run("artifacts", "cat", "@", "b.bin").stdout == content


def test_other_permissions_keep_a_file_of_its_own(tmp_path: Path) -> None:
    for name, mode in (("a", 0o644), ("b", 0o600), ("c", 0o644)):
        (tmp_path / name).write_bytes(random.Random(1).randbytes(8000))
        (tmp_path / name).chmod(mode)
    keep(tmp_path, "a", "b", "c")
    inodes = {name: (tmp_path / name).stat().st_ino for name in "abc"}
    assert inodes["a"] == inodes["c"] != inodes["b"]


# Crashes and readers


STEPS = ["NewFile", "link_over", "replace_file", "unlink_quietly"]


@pytest.mark.parametrize("crash_at", range(8))
def test_a_crash_between_any_two_steps_is_mended_by_the_next_sealing(
    acode: Acode, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    from collector.store.indexer import Indexer

    class Crash(BaseException):
        pass

    (acode.root / "big").write_bytes(TEXT)
    acode.exec("sh", "-c", "cat big; cp big a.log; echo x > b.log")
    calls = 0

    def counting(function: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == crash_at + 1:
                raise Crash
            return function(*arguments, **options)

        return wrapped

    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()
    with monkeypatch.context() as patch:
        for name in STEPS:
            patch.setattr(durable, name, counting(getattr(durable, name)))
        with contextlib.suppress(Crash):  # where there are fewer steps than that
            indexer.seal_spool()
    assert indexer.seal_spool() == 0
    indexer.close()
    record = acode.record()
    assert {a["path"]: a["compressed"] for a in record["artifacts"]} == {
        "stdout.txt": True, "stderr.txt": False, "output.txt": True, "a.log": True, "b.log": False,
    }  # fmt: skip
    assert sorted(p.name for p in acode.folder().iterdir()) == [
        "a.log.zst", "b.log", "output.idx", "output.txt.zst", "run.json", "stderr.txt", "stdout.txt.zst",
    ]  # fmt: skip
    assert acode.run("runs", "stdout").stdout == TEXT


def test_readers_get_the_whole_content_while_it_is_being_compressed(tmp_path: Path) -> None:
    stop, wrong = threading.Event(), list[int]()

    def read() -> None:
        while not stop.is_set():
            with open_content(str(tmp_path), "x.log") as file:
                if (length := len(file.read())) != len(MORE):
                    wrong.append(length)

    (tmp_path / "x.log").write_bytes(MORE)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(10):
            keep(tmp_path, "x.log")
            durable.replace_file(str(tmp_path / "x.log"), MORE)
            (tmp_path / "x.log.zst").unlink()
    finally:
        stop.set()
        reader.join()
    assert not wrong


def test_a_full_disk_leaves_the_plain_file_and_is_tried_again(
    acode: Acode, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collector.store.indexer import Indexer

    (acode.root / "big").write_bytes(TEXT)
    acode.exec("cat", "big")
    indexer = Indexer(acode.workspace)
    indexer.open()
    indexer.index_spool()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(keeping_module, "write_compressed", full)
        with pytest.raises(OSError, match="No space"):
            indexer.seal_spool()
    assert (acode.folder() / "stdout.txt").read_bytes() == TEXT
    assert indexer.seal_spool() == 0
    indexer.close()
    assert acode.run("runs", "stdout").stdout == TEXT


def test_runs_of_earlier_versions_stay_readable(acode: Acode) -> None:
    recorded(acode, "echo", "old")
    path = acode.folder() / "run.json"
    record = json.loads(path.read_bytes())
    for artifact in record["artifacts"]:
        del artifact["compressed"], artifact["metadata"]
    for key in ("metrics", "summary", "skipped"):
        del record[key]
    del record["provenance"]["files"]
    path.write_text(json.dumps(record))
    assert acode.run("runs", "reindex").returncode == 0
    assert acode.run("runs", "stdout").stdout == b"old\n"
