"""`acode artifacts verify`: what was changed or removed is found, flagged, and forgiven once it is whole."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from collector.store.waiting import index_waiting
from tests.conftest import Acode, read_json


@pytest.fixture
def two(acode: Acode) -> list[Path]:
    """The folders of two runs, sealed."""
    acode.run("exec", "--task", "a", "--", "sh", "-c", "echo one; echo err >&2")
    acode.run(
        "exec",
        "--task",
        "b",
        "--",
        "sh",
        "-c",
        "i=0; while [ $i -lt 9000 ]; do echo line $i; i=$((i+1)); done",
    )
    index_waiting(acode.workspace, 30.0)
    return acode.folders()


def verify(acode: Acode, *words: str) -> tuple[int, dict[str, Any]]:
    done = acode.run("artifacts", "verify", *words, "--json")
    return done.returncode, json.loads(done.stdout)


def flags(acode: Acode, run: str) -> dict[str, str]:
    listed = json.loads(acode.run("artifacts", "list", run, "--json").stdout)
    items = listed["items"] if isinstance(listed, dict) else listed
    return {a["path"]: f for a in items for f in ("corrupt", "missing") if a[f]}


def overwrite(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_what_nobody_touched_is_intact(acode: Acode, two: list[Path]) -> None:
    status, found = verify(acode, "--all")
    assert (status, found["problems"], found["runs"]) == (0, [], 2)
    assert found["intact"] == sum(len(read_json(folder / "run.json")["artifacts"]) for folder in two)
    assert not (two[0] / "damage.json").exists()


def test_changed_content_is_flagged_until_it_is_what_was_recorded(acode: Acode, two: list[Path]) -> None:
    stderr = two[0] / "stderr.txt"
    good = stderr.read_bytes()
    overwrite(stderr, b"lie\n")
    status, found = verify(acode, two[0].name)
    assert (status, found["corrupt"]) == (1, 1)
    (problem,) = found["problems"]
    assert (problem["path"], problem["state"], problem["code"]) == ("stderr.txt", "corrupt", "ACODE-ART-012")
    assert flags(acode, two[0].name) == {"stderr.txt": "corrupt"}
    assert b"stderr.txt (4 B) (corrupt)" in acode.run("runs", "show", two[0].name).stdout
    acode.run("runs", "reindex")
    assert flags(acode, two[0].name) == {"stderr.txt": "corrupt"}
    overwrite(stderr, good)
    assert verify(acode, two[0].name)[0] == 0
    assert flags(acode, two[0].name) == {}
    assert not (two[0] / "damage.json").exists()


def test_every_changed_byte_of_a_compressed_file_is_found(acode: Acode, two: list[Path]) -> None:
    (stored,) = two[1].glob("stdout.txt.zst")
    good = stored.read_bytes()
    expected = next(a for a in read_json(two[1] / "run.json")["artifacts"] if a["path"] == "stdout.txt")
    text = b"".join(b"line %d\n" % number for number in range(9000))
    assert expected["checksum_sha256"] == hashlib.sha256(text).hexdigest()
    for place in (0, 4, len(good) // 2, len(good) - 1):
        damaged = bytearray(good)
        damaged[place] ^= 0x55
        overwrite(stored, bytes(damaged))
        assert verify(acode, two[1].name)[1]["problems"][0]["path"] == "stdout.txt", place
    overwrite(stored, good[: len(good) // 2])
    assert verify(acode, "task:b")[1]["corrupt"] >= 1


def test_a_missing_file_is_said_and_stops_nothing(acode: Acode, two: list[Path]) -> None:
    (two[0] / "stderr.txt").unlink()
    status, found = verify(acode, "--all")
    assert (status, found["missing"], found["corrupt"]) == (1, 1, 0)
    assert found["problems"][0]["code"] == "ACODE-ART-011"
    assert acode.run("runs", "list").returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_now_is_not_called_damaged(acode: Acode, two: list[Path]) -> None:
    (two[0] / "stderr.txt").chmod(0)
    status, found = verify(acode, "--all")
    assert (status, found["unreadable"], found["corrupt"]) == (1, 1, 0)
    assert flags(acode, two[0].name) == {}


def test_a_link_in_the_place_of_a_file_is_not_followed(acode: Acode, two: list[Path]) -> None:
    secret = acode.root / "secret"
    secret.write_text("err\n")
    (two[0] / "stderr.txt").unlink()
    (two[0] / "stderr.txt").symlink_to(secret)
    status, found = verify(acode, "--all")
    assert (status, found["intact"]) == (1, found["intact"])
    assert [p["path"] for p in found["problems"]] == ["stderr.txt"]


def test_damage_is_found_once_in_the_audit_log(acode: Acode, two: list[Path]) -> None:
    overwrite(two[0] / "stderr.txt", b"lie\n")
    verify(acode, "--all")
    verify(acode, "--all")
    logged = json.loads(acode.run("audit", "list", "--action", "corrupt", "--json").stdout)
    items = logged["items"] if isinstance(logged, dict) else logged
    assert [(e["subject"], e["details"]["state"]) for e in items] == [
        (f"{two[0].name}/stderr.txt", "corrupt")
    ]


def test_runs_are_found_by_what_is_wrong_with_them(acode: Acode, two: list[Path]) -> None:
    overwrite(two[0] / "stderr.txt", b"lie\n")
    (two[1] / "stdout.txt.zst").unlink()
    verify(acode, "--all")

    def found(*words: str) -> bytes:
        return acode.run("runs", "list", *words, "--fields", "task").stdout.removeprefix(b"TASK\n").strip()

    assert (found("has:corrupt"), found("has:missing")) == (b"a", b"b")
    assert found("has:sensitive") == b""
    assert found("-has:corrupt") == b"b"


def test_what_damage_json_says_can_be_anything(acode: Acode, two: list[Path]) -> None:
    odd = ["", "[]", "null", "{", '{"artifacts": 3}', '{"artifacts": [1]}', "[" * 100_000]
    odd += [json.dumps({"artifacts": {"stderr.txt": value}}) for value in (3, {"state": "run_id"})]
    for text in odd:
        (two[0] / "damage.json").write_text(text)
        acode.run("runs", "reindex")
        assert flags(acode, two[0].name) == {}, text
        assert verify(acode, "--all")[0] == 0, text


def test_nothing_to_verify_is_said(acode: Acode, two: list[Path]) -> None:
    assert len(two) == 2
    done = acode.run("artifacts", "verify")
    assert done.returncode == 2
    assert b"name runs, a filter, or --all" in done.stderr
    assert acode.run("artifacts", "verify", "nobody").returncode == 1
