"""The audit log: a chain in which every change shows."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.audit import append_audit, log
from collector.audit.checkpoint import make_checkpoint, read_checkpoint, verify_audit
from collector.audit.entries import FIRST_PREV, Link, Problem, check_chain, format_entry
from collector.config import Config
from collector.encryption.signing import new_private_key
from collector.errors import AcodeError, CorruptError, UnavailableError
from collector.workspace import Workspace

HOW_MANY = 12


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(str(tmp_path))
    found.create()
    return found


def fill(workspace: Workspace, count: int = HOW_MANY) -> Path:
    for n in range(count):
        append_audit(workspace, "export", f"run-{n}", {"bytes": n, "paths": ["a", "b"]})
    return Path(log.path_of(workspace))


def problems(workspace: Workspace) -> list[str]:
    return [problem.message for problem in verify_audit(workspace).problems]


def test_an_entry_says_who_did_what_and_when(workspace: Workspace) -> None:
    append_audit(workspace, "delete", "test-20260120-143215", {"rule": "maxAge", "odd": {1}})
    (entry,) = log.iter_entries(workspace)
    assert (entry["seq"], entry["prev"], entry["action"]) == (1, FIRST_PREV, "delete")
    assert (entry["uid"], entry["pid"], entry["host"]) == (os.getuid(), os.getpid(), os.uname().nodename)
    assert entry["details"] == {"rule": "maxAge", "odd": "{1}"}
    assert Path(log.path_of(workspace)).stat().st_mode & 0o077 == 0


def test_a_log_that_was_only_appended_to_is_whole(workspace: Workspace) -> None:
    fill(workspace)
    report = verify_audit(workspace)
    assert (report.entries, report.last.seq, report.problems) == (HOW_MANY, HOW_MANY, ())


def change(lines: list[bytes], at: int) -> list[bytes]:
    return [line.replace(b"run-", b"ran-") if n == at else line for n, line in enumerate(lines)]


def rewrite(lines: list[bytes], at: int) -> list[bytes]:
    """Change an entry and give it the hash that fits; the next one still has the old."""
    entry = json.loads(lines[at])
    last = Link(entry.pop("seq") - 1, entry.pop("prev"))
    del entry["hash"]
    return [*lines[:at], format_entry(entry | {"subject": "other"}, last), *lines[at + 1 :]]


def remove(lines: list[bytes], at: int) -> list[bytes]:
    return lines[:at] + lines[at + 1 :]


def repeat(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[: at + 1], *lines[at:]]


def swap(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def insert(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[:at], b'{"seq": 1}\n', *lines[at:]]


@pytest.mark.parametrize("edit", [change, rewrite, remove, repeat, swap, insert])
@pytest.mark.parametrize("at", [0, 1, 5, HOW_MANY - 2])
def test_an_edit_of_the_log_is_found(
    workspace: Workspace, edit: Callable[[list[bytes], int], list[bytes]], at: int
) -> None:
    path = fill(workspace)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(edit(lines, at)))
    assert problems(workspace)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_byte_counts(position: int, flip: int) -> None:
    fields = {
        "time": "2026-01-20T14:32:15.000Z", "user": "ann", "uid": 1, "host": "h", "pid": 2,
        "program": "acode", "action": "export", "subject": "x", "details": {},
    }  # fmt: skip
    lines, last = [], Link()
    for _ in range(3):
        lines.append(format_entry(fields, last))
        last = next(found for found in check_chain([("f", 1, lines[-1])], last) if isinstance(found, Link))
    data = bytearray(b"".join(lines))
    data[position % len(data)] ^= flip
    changed = enumerate(bytes(data).splitlines(keepends=True), 1)
    found = list(check_chain((("f", number, line) for number, line in changed), Link()))
    assert any(isinstance(item, Problem) for item in found) or bytes(data).split() == b"".join(lines).split()


def test_what_a_crash_cut_short_stays_and_is_vouched_for(workspace: Workspace) -> None:
    path = fill(workspace, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 5])
    assert problems(workspace) == ["it is no JSON"]
    append_audit(workspace, "import", "bundle.zip")
    assert path.read_bytes().startswith(whole + whole[: len(whole) // 5])
    assert problems(workspace) == []
    changed = path.read_bytes().replace(whole[: len(whole) // 5] + b"\n", whole[: len(whole) // 6] + b"\n")
    path.write_bytes(changed)
    assert problems(workspace)


def test_a_destroyed_end_keeps_nothing_from_being_logged_and_shows(workspace: Workspace) -> None:
    path = fill(workspace)
    path.write_bytes(b"\0" * 300_000 + b"\n")
    append_audit(workspace, "delete", "x")
    assert list(log.iter_entries(workspace))[-1]["subject"] == "x"
    assert problems(workspace)


def test_a_cut_tail_shows_against_a_checkpoint_only(workspace: Workspace) -> None:
    path = fill(workspace)
    key = new_private_key("ann")
    data = make_checkpoint(verify_audit(workspace).last, key)
    checkpoint = read_checkpoint(data, [key.public])
    assert (checkpoint.link.seq, checkpoint.signer) == (HOW_MANY, "ann")
    append_audit(workspace, "collect", "later")
    assert verify_audit(workspace, [checkpoint]).problems == ()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: HOW_MANY - 2]))
    assert problems(workspace) == []
    assert "ends with entry 10" in verify_audit(workspace, [checkpoint]).problems[0].message


def test_another_log_of_the_same_length_is_not_the_one_of_the_checkpoint(
    workspace: Workspace, tmp_path: Path
) -> None:
    fill(workspace)
    checkpoint = read_checkpoint(make_checkpoint(verify_audit(workspace).last, None), [])
    other = Workspace(str(tmp_path / "other"))
    other.create()
    append_audit(other, "delete", "forged")
    fill(other)
    assert "is not the one" in verify_audit(other, [checkpoint]).problems[0].message


def test_a_checkpoint_that_nobody_trusted_signed_is_refused(workspace: Workspace) -> None:
    fill(workspace, 1)
    data = make_checkpoint(verify_audit(workspace).last, new_private_key("eve"))
    with pytest.raises(CorruptError):
        read_checkpoint(data, [new_private_key("ann").public])


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"payload": 1}', b"\xff", b"[" * 9000, b"null"],
                         ids=["empty", "open", "list", "envelope", "bytes", "deep", "null"])  # fmt: skip
def test_what_is_no_checkpoint_is_said_in_one_line(data: bytes) -> None:
    with pytest.raises(AcodeError) as caught:
        read_checkpoint(data, [])
    assert "\n" not in str(caught.value)


def test_full_files_are_put_aside_and_the_chain_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MAX_FILE_BYTES", 1500)
    fill(workspace)
    files = log.list_files(workspace)
    assert len(files) > 2
    assert [entry["seq"] for entry in log.iter_entries(workspace)] == list(range(1, HOW_MANY + 1))
    assert problems(workspace) == []
    Path(workspace.folder, files[1]).unlink()
    assert problems(workspace)


def _append_many(root: str) -> None:
    for n in range(25):
        append_audit(Workspace(root), "access", f"{os.getpid()}-{n}")


def test_many_writers_make_one_chain(workspace: Workspace) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(workspace.root,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    report = verify_audit(workspace)
    assert (report.entries, report.problems) == (100, ())


def test_a_writer_that_is_killed_leaves_a_chain(workspace: Workspace) -> None:
    code = "import sys; from collector.audit import append_audit; from collector.workspace import Workspace\n"
    code += "while True:\n append_audit(Workspace(sys.argv[1]), 'export', 'x' * 3000); print(1, flush=True)"
    for count in random.Random(5).sample(range(1, 30), 5):
        with subprocess.Popen([sys.executable, "-c", code, workspace.root], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(count):
                writer.stdout.readline()
            writer.kill()
    append_audit(workspace, "import", "last")
    assert problems(workspace) == []


def test_the_settings_decide_what_is_logged(workspace: Workspace) -> None:
    append_audit(workspace, "export", "a", config=Config({"audit.enabled": (False, "test")}))
    append_audit(workspace, "access", "b", config=Config({"audit.access": (False, "test")}))
    append_audit(workspace, "export", "c", config=Config({"audit.access": (False, "test")}))
    assert [entry["subject"] for entry in log.iter_entries(workspace)] == ["c"]


@pytest.mark.parametrize("obstacle", ["folder", "link", "fifo"])
def test_where_it_cannot_be_written_reading_goes_on_and_the_rest_does_not(
    workspace: Workspace, tmp_path: Path, obstacle: str
) -> None:
    path = Path(log.path_of(workspace))
    if obstacle == "folder":
        path.mkdir()
    elif obstacle == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(path)
    append_audit(workspace, "access", "x")
    with pytest.raises(UnavailableError, match="ACODE-RUN-042"):
        append_audit(workspace, "export", "x")
    assert not (tmp_path / "elsewhere").exists()
