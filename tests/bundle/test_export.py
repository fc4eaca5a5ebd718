"""What an export writes: a zip and bag that others read, the same bytes for the same runs, no secrets."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.bundle import ExportOptions, ImportOptions, export_bundle, import_bundle, verify_bundle
from collector.bundle.names import bundle_names, check_artifact_paths, check_bundle_names
from collector.bundle.packing import SMALL_BYTES
from collector.errors import AcodeError
from collector.model.run import Run
from collector.record.keep import Keeping, keep_files
from collector.workspace import Workspace
from tests.bundle.conftest import PLAIN
from tests.bundle.stores import BUILD, STAMP, record, runs_of, two_runs, ulid, write_run
from tests.conftest import ACODE, Acode

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def unzipped(bundle: Path, target: Path) -> Path:
    with zipfile.ZipFile(bundle) as bag:
        bag.extractall(target)
    return target


def export(workspace: Workspace, target: Path, options: ExportOptions = PLAIN) -> Path:
    export_bundle(workspace, runs_of(workspace), str(target), options)
    return target


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    two_runs(workspace)
    return workspace


def test_other_programs_read_a_bundle(filled: Workspace, tmp_path: Path) -> None:
    bundle = export(filled, tmp_path / "b.zip")
    for command in (["unzip", "-tqq", str(bundle)], [sys.executable, "-m", "zipfile", "-t", str(bundle)]):
        subprocess.run(command, check=True, capture_output=True)
    bag = bagit.Bag(str(unzipped(bundle, tmp_path / "bag")))
    assert bag.validate()
    there = {
        str(path.relative_to(tmp_path / "bag")) for path in (tmp_path / "bag").rglob("*") if path.is_file()
    }
    assert set(bag.payload_files()) == {path for path in there if path.startswith("data/")}


def test_artifacts_are_in_it_as_they_were(filled: Workspace, tmp_path: Path) -> None:
    bag = unzipped(export(filled, tmp_path / "b.zip"), tmp_path / "bag")
    assert (bag / f"data/runs/build-{STAMP}/stdout.txt").read_bytes() == BUILD["stdout.txt"]
    (other,) = [p for p in (bag / f"data/runs/build-{STAMP}").iterdir() if "=" in p.name]
    assert other.name.isascii()
    assert other.read_bytes() == BUILD["dist/\u00fc b.log"]


def test_the_same_runs_are_the_same_bytes_however_they_are_kept(filled: Workspace, tmp_path: Path) -> None:
    first = export(filled, tmp_path / "1.zip").read_bytes()
    folder = Path(filled.artifacts, f"build-{STAMP}")
    run = json.loads((folder / "run.json").read_text())
    kept = keep_files(str(folder), run["artifacts"], BUILD.keys(), Keeping(min_bytes=1))
    assert any(entry["compressed"] for entry in kept)
    (folder / "run.json").write_text(json.dumps({**run, "artifacts": kept}))
    (folder / "stdout.txt").unlink()
    os.utime(folder / "run.json", (1, 1))
    assert export(filled, tmp_path / "2.zip").read_bytes() == first


def test_exported_imported_and_exported_again_is_the_same(filled: Workspace, tmp_path: Path) -> None:
    first = export(filled, tmp_path / "1.zip")
    other = Workspace(str(tmp_path / "other"))
    (tmp_path / "other/.acode").mkdir(parents=True)
    (tmp_path / "other/.acode/config.yml").write_text(
        "runs: {artifacts: {layout: dated, compressMinSize: 1}, fileMode: 600}\n"
    )
    import_bundle(other, str(first), ImportOptions())
    assert list(Path(other.artifacts).rglob("*.zst"))
    assert export(other, tmp_path / "2.zip").read_bytes() == first.read_bytes()


def test_a_redacted_bundle_survives_the_same_way(filled: Workspace, tmp_path: Path) -> None:
    files = {"stdout.txt": f"token {TOKEN}\n".encode() * 9, f"logs/{TOKEN}.log": b"x"}
    write_run(filled, record(3000, "leak", files, tags={"key": TOKEN}), files)
    report = export_bundle(filled, runs_of(filled), str(tmp_path / "1.zip"), ExportOptions())
    assert sum(report.masked.values()) == 9
    other = Workspace(str(tmp_path / "other"))
    import_bundle(other, str(tmp_path / "1.zip"), ImportOptions())
    again = export(other, tmp_path / "2.zip", ExportOptions())
    assert again.read_bytes() == (tmp_path / "1.zip").read_bytes()


@pytest.mark.parametrize("place", ["stdout.txt", "path", "argument", "tag", "environment", "note", "index"])
def test_no_secret_leaves(place: str, workspace: Workspace, tmp_path: Path) -> None:
    files = {"stdout.txt": b"fine\n", "stderr.txt": b""}
    values: dict[str, object] = {}
    if place in ("stdout.txt", "index"):
        files["stdout.txt"] = b"export TOKEN=" + TOKEN.encode() + b"\n"
    elif place == "path":
        files[f"build {TOKEN}/x.log"] = b"x\n"
    elif place == "argument":
        values = {"arguments": ["--token", TOKEN], "command_line": f"curl --token {TOKEN}"}
    elif place == "tag":
        values = {"tags": {TOKEN: TOKEN}}
    elif place == "environment":
        values = {"environment": {"PATH": f"/x:{TOKEN}"}}
    folder = write_run(workspace, record(1, "leak", files, **values), files)
    (folder / "output.idx").write_bytes(b"acode-output-index 1\n\x05\x0a")
    if place == "note":
        said = {"tags": {"x": {"value": TOKEN}}, "removed": {}, "note": {"text": f"it is {TOKEN}"}}
        (folder / "annotations.json").write_text(json.dumps(said))
    bundle = export(workspace, tmp_path / "b.zip", ExportOptions())
    assert verify_bundle(str(bundle)).problems == ()
    with zipfile.ZipFile(bundle) as bag:
        for name in bag.namelist():
            assert TOKEN.encode() not in bag.read(name)
            assert TOKEN not in name
        is_changed = place in ("stdout.txt", "index")
        assert any(name.endswith("output.idx") for name in bag.namelist()) is not is_changed
    plain = export(workspace, tmp_path / "plain.zip")
    with zipfile.ZipFile(plain) as bag:
        assert any(TOKEN.encode() in bag.read(name) for name in bag.namelist())


def test_a_run_that_has_not_ended_is_left_out_and_said(filled: Workspace, tmp_path: Path) -> None:
    running = Run.from_json(record(3000, "running", {}, status="running", end_time=None, exit_code=None))
    runs = [running, *runs_of(filled)]
    report = export_bundle(filled, runs, str(tmp_path / "b.zip"), PLAIN)
    assert report.runs == 2
    assert report.skipped == [(f"running-{STAMP}", "is still running")]


@pytest.mark.parametrize(("harm", "code"), [("tampered", "ACODE-RUN-007"), ("removed", "ACODE-ART-011")])
def test_an_artifact_that_is_not_what_it_was_stops_an_export(
    harm: str, code: str, filled: Workspace, tmp_path: Path
) -> None:
    path = Path(filled.artifacts, f"test-{STAMP}/stdout.txt")
    path.write_bytes(b"no\n") if harm == "tampered" else path.unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(AcodeError) as stopped:
        export(filled, tmp_path / "out/b.zip")
    assert stopped.value.code == code
    assert list((tmp_path / "out").iterdir()) == []
    report = export_bundle(
        filled,
        runs_of(filled),
        str(tmp_path / "out/b.zip"),
        ExportOptions(redact=False, allow_incomplete=True),
    )
    reason = "corrupt" if harm == "tampered" else "missing"
    assert report.omitted == [(f"test-{STAMP}", "stdout.txt", reason)]
    found = verify_bundle(str(tmp_path / "out/b.zip"))
    assert found.is_valid
    assert [(item.run_id, item.path, item.reason) for item in found.omitted] == [
        (ulid(2000), "stdout.txt", reason)
    ]
    other = Workspace(str(tmp_path / "other"))
    import_bundle(other, str(tmp_path / "out/b.zip"), ImportOptions())
    (artifact,) = [a for run in runs_of(other) for a in run.artifacts if a.missing]
    assert artifact.path == "stdout.txt"
    with pytest.raises(AcodeError):
        export(other, tmp_path / "again.zip")


def test_a_large_artifact_that_was_tampered_with_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    files = {"a.bin": b"a" * (SMALL_BYTES + 5), "z.txt": b"z\n"}
    folder = write_run(workspace, record(1, "big", files), files)
    with (folder / "a.bin").open("r+b") as file:
        file.seek(SMALL_BYTES)
        file.write(b"!")
    with pytest.raises(AcodeError, match="ACODE-RUN-007"):
        export(workspace, tmp_path / "b.zip")
    options = ExportOptions(redact=False, allow_incomplete=True)
    assert verify_bundle(str(export(workspace, tmp_path / "b.zip", options))).is_valid


def test_a_run_that_has_just_ended_is_sealed_first(acode: Acode, tmp_path: Path) -> None:
    acode.exec("sh", "-c", "echo out; exit 3")
    done = acode.run("runs", "export", "@", "-o", str(tmp_path / "b.zip"))
    assert done.returncode == 0, done.stderr
    (run,) = runs_of(acode.workspace)
    with zipfile.ZipFile(tmp_path / "b.zip") as bag:
        assert bag.read(f"data/runs/{run.name}/stdout.txt") == b"out\n"
        assert b'"exit_code": 3' in bag.read(f"data/runs/{run.name}/error.json")


def test_patterns_choose_what_goes_along(filled: Workspace, tmp_path: Path) -> None:
    export(
        filled,
        tmp_path / "b.zip",
        ExportOptions(redact=False, include=("*.txt", "dist/"), exclude=("*.log",)),
    )
    found = verify_bundle(str(tmp_path / "b.zip"))
    assert [(item.path, item.reason) for item in found.omitted] == [
        ("dist/\u00fc b.log", "left out of the bundle")
    ]
    with zipfile.ZipFile(tmp_path / "b.zip") as bag:
        said = json.loads(bag.read(f"data/runs/build-{STAMP}/run.json"))
    assert said["skipped"] == [{"path": "dist/\u00fc b.log", "reason": "left out of the bundle"}]
    assert "dist/app.bin" in [entry["path"] for entry in said["artifacts"]]


def test_what_is_too_large_is_split_into_bundles_of_their_own(workspace: Workspace, tmp_path: Path) -> None:
    for number in range(7):
        files = {"stdout.txt": random.Random(number).randbytes(30_000)}
        write_run(workspace, record(10 * number, f"r{number}", files), files)
    options = ExportOptions(redact=False, max_bytes=100_000)
    report = export_bundle(workspace, runs_of(workspace), str(tmp_path / "b.zip"), options)
    assert [Path(path).name for path in report.paths] == ["b-001.zip", "b-002.zip", "b-003.zip", "b-004.zip"]
    other = Workspace(str(tmp_path / "other"))
    for path in report.paths:
        assert Path(path).stat().st_size <= 100_000
        assert verify_bundle(path).problems == ()
        import_bundle(other, path, ImportOptions())
    assert {run.run_id for run in runs_of(other)} == {run.run_id for run in runs_of(workspace)}
    assert report.runs == 7


def test_a_run_that_is_too_large_alone_is_refused_and_nothing_left(filled: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(AcodeError, match="ACODE-RUN-004"):
        export(filled, tmp_path / "out/b.zip", ExportOptions(redact=False, max_bytes=4000))
    assert list((tmp_path / "out").iterdir()) == []


def test_what_an_export_that_was_killed_left_goes_with_the_next(filled: Workspace, tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    left, other = tmp_path / f".b.zip.{process.pid}-0.tmp", tmp_path / f".b.zip.{os.getpid()}-7.tmp"
    left.touch()
    other.touch()
    export(filled, tmp_path / "b.zip")
    assert (left.exists(), other.exists()) == (False, True)


def test_what_is_there_is_not_replaced_unasked(filled: Workspace, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    with pytest.raises(AcodeError, match="--force"):
        export(filled, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"
    export(filled, tmp_path / "b.zip", ExportOptions(redact=False, replace=True))
    assert verify_bundle(str(tmp_path / "b.zip")).is_valid


@pytest.mark.parametrize("level", range(10))
def test_every_level_is_read_back(level: int, workspace: Workspace, tmp_path: Path) -> None:
    files = {"stdout.txt": BUILD["stdout.txt"] * 50, "noise.bin": random.Random(1).randbytes(700_000),
             "zeros.bin": bytes(SMALL_BYTES + 100_000), "empty.txt": b""}  # fmt: skip
    write_run(workspace, record(1, "levels", files), files)
    bundle = export(workspace, tmp_path / "b.zip", ExportOptions(redact=False, compression_level=level))
    assert verify_bundle(str(bundle)).problems == ()
    with zipfile.ZipFile(bundle) as bag:
        assert bag.testzip() is None


def test_a_full_disk_leaves_nothing_half(acode: Acode, tmp_path: Path) -> None:
    files = {"stdout.txt": random.Random(1).randbytes(400_000)}
    write_run(acode.workspace, record(1, "big", files), files)
    runs_of(acode.workspace)
    (tmp_path / "out").mkdir()
    limit = (
        "import resource, signal, os, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = [
        sys.executable,
        "-c",
        limit,
        *ACODE,
        "runs",
        "export",
        "--all",
        "-o",
        str(tmp_path / "out/b.zip"),
    ]
    done = subprocess.run(words, env=acode.environ, cwd=acode.root, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"ACODE-RUN-008" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_does_not_grow_with_what_is_exported(acode: Acode, tmp_path: Path) -> None:
    size = 150 << 20
    folder = write_run(acode.workspace, record(1, "huge", {}), {})
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(size)
    digest = hashlib.sha256()
    for _ in range(150):
        digest.update(bytes(1 << 20))
    run = record(1, "huge", {"huge.bin": b""})
    run["artifacts"][0] |= {"size_bytes": size, "checksum_sha256": digest.hexdigest()}
    (folder / "run.json").write_text(json.dumps(run))
    runs_of(acode.workspace)
    for words in (["export", "--all", "--no-redact", "--yes", "-o", "b.zip"], ["verify", "b.zip"]):
        status, kilobytes = acode.peak("runs", *words)
        assert status == 0
        assert kilobytes < 130 << 10


SEGMENTS = st.text(min_size=1, max_size=12).filter(
    lambda t: t not in (".", "..") and "/" not in t and "\0" not in t
)
AWKWARD = st.sampled_from(
    ["a", "A", "b", "con", "CON.txt", "x.", " x", "\u00fc", "u\u0308", "run.json", "a=b", "\n", "\u202e"]
)
PATHS = st.lists(SEGMENTS | AWKWARD, min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, max_size=12))
def test_whatever_files_are_called_their_names_in_a_bundle_can_be_unpacked_anywhere(paths: set[str]) -> None:
    try:
        check_artifact_paths(paths)
    except (ValueError, UnicodeEncodeError):
        return
    names = bundle_names(paths)
    assert names == bundle_names(sorted(paths, reverse=True))
    check_bundle_names([*names.values(), "run.json", "annotations.json", "output.idx"])
    folded = {unicodedata.normalize("NFD", name).casefold() for name in names.values()}
    assert len(folded) == len(paths)
    assert all(name.isascii() and name.isprintable() for name in names.values())


def test_every_change_of_a_byte_is_found(good_bundle: bytes, tmp_path: Path) -> None:
    path, step = tmp_path / "changed.zip", max(1, len(good_bundle) // 400)
    for at in range(0, len(good_bundle), step):
        changed = bytearray(good_bundle)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        assert not verify_bundle(str(path)).is_valid, at


def test_every_beginning_of_a_bundle_is_refused(good_bundle: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.zip"
    for length in range(0, len(good_bundle), max(1, len(good_bundle) // 100)):
        path.write_bytes(good_bundle[:length])
        assert not verify_bundle(str(path)).is_valid, length


def test_runs_are_chosen_by_name_filter_and_session(acode: Acode, tmp_path: Path) -> None:
    for number, (task, session) in enumerate((("a", "s-1"), ("b", "s-1"), ("c", "s-2"))):
        write_run(acode.workspace, record(10 * number, task, {}, session_id=session), {})

    def names(*words: str) -> list[str]:
        target = tmp_path / f"{len(list(tmp_path.glob('*.zip')))}.zip"
        done = acode.run("runs", "export", *words, "-o", str(target))
        assert done.returncode == 0, done.stderr
        return [run.name.partition("-")[0] for run in verify_bundle(str(target)).runs]

    assert names(f"a-{STAMP}") == ["a"]
    assert names("--session", "s-1") == ["a", "b"]
    assert names("task:b,c") == ["b", "c"]
    assert names("--all") == ["a", "b", "c"]
    assert names("task:b", f"a-{STAMP}") == ["a", "b"]
    assert names("-session:s-1") == ["c"]
    assert acode.run("runs", "export").returncode == 2


def test_secrets_leave_only_when_it_is_said_twice(acode: Acode) -> None:
    write_run(acode.workspace, record(1, "a", {}), {})
    done = acode.run("runs", "export", "--all", "--no-redact", "-o", "b.zip", stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert not (acode.root / "b.zip").exists()
    assert acode.run("runs", "export", "--all", "--no-redact", "--yes", "-o", "b.zip").returncode == 0
    actions = [
        json.loads(line)["action"] for line in (acode.root / ".acode/audit.jsonl").read_text().splitlines()
    ]
    assert actions.count("export") == 1
    assert "redaction.off" in actions
