"""Files that a run produced are in its folder afterwards; what is left out is said."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.record.choose import AFTERWARDS_NS, Wanted
from collector.record.collect import Limits, RunPlace, collect
from tests.conftest import ACODE, Acode, wait_for

RUN_ID = "01KFDJ7J8Q9W3E5R7T9Y1V3B5N"


def run_place(base: Path) -> RunPlace:
    return RunPlace(str(base / "store" / "run"), RUN_ID, str(base / "store"))


def sealed(acode: Acode) -> dict[str, Any]:
    """Seal what waits, as the next reader does, and return the only run's record."""
    assert acode.run("runs", "list").returncode == 0
    return acode.record()


def collected(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {a["path"]: a for a in record["artifacts"] if a["source"] == "file"}


def skips(record: dict[str, Any]) -> dict[str, str]:
    return {s["path"]: s["reason"] for s in record["skipped"]}


def sh(acode: Acode, script: str, *options: str) -> dict[str, Any]:
    done = acode.run("exec", *options, "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return sealed(acode)


def test_what_matches_a_built_in_pattern_is_collected_at_its_own_path(acode: Acode) -> None:
    record = sh(
        acode,
        "mkdir -p a/TestResults coverage && echo log > build.log2 && echo log > a/deep.log"
        " && echo '<r/>' > a/TestResults/r.trx && echo x > coverage/index.html && echo d > fix.patch"
        " && echo 'int main;' > main.c",
    )
    found = collected(record)
    assert set(found) == {"a/deep.log", "a/TestResults/r.trx", "coverage/index.html", "fix.patch"}
    assert {path: a["type"] for path, a in found.items() if path != "coverage/index.html"} == {
        "a/deep.log": "log", "a/TestResults/r.trx": "test_result", "fix.patch": "diff",
    }  # fmt: skip
    log = found["a/deep.log"]
    assert log["checksum_sha256"] == hashlib.sha256(b"log\n").hexdigest()
    assert (log["size_bytes"], log["content_type"], log["encoding"]) == (4, "text/plain", "utf-8")
    assert (acode.folder() / "a" / "deep.log").read_bytes() == b"log\n"
    assert record["provenance"]["files"] == "scan"
    assert record["skipped"] == []


def test_only_what_the_run_created_or_changed_is_collected(acode: Acode) -> None:
    for name in ("old.log", "touched.log"):
        (acode.root / name).write_text("before")
        os.utime(acode.root / name, (1_700_000_000,) * 2)
    # What the kernel stamped before the run lies at least a tick before it.
    subprocess.run(["sleep", "0.05"], check=True)
    record = sh(acode, "echo more >> touched.log; tar cf t.tar old.log; mkdir out; tar xf t.tar -C out")
    assert set(collected(record)) == {"touched.log", "out/old.log"}
    assert (acode.folder() / "out" / "old.log").stat().st_mtime == 1_700_000_000


def test_what_changed_after_the_run_is_not_its(acode: Acode) -> None:
    assert acode.run("exec", "--", "sh", "-c", "echo 1 > a.log; echo 1 > b.log").returncode == 0
    end = acode.record()["end_time"]
    later = int(_milliseconds(end) * 1_000_000 + 10 * AFTERWARDS_NS)
    (acode.root / "b.log").write_text("2")
    os.utime(acode.root / "b.log", ns=(later, later))
    record = sealed(acode)
    assert set(collected(record)) == {"a.log"}
    assert skips(record) == {"": "1 matching files were changed after the run had ended"}


def _milliseconds(iso: str) -> int:
    from collector import clock

    return clock.parse_iso(iso)


def test_gitignore_holds_for_what_was_asked_for_and_not_for_built_in_patterns(acode: Acode) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=acode.root, check=True)
    (acode.root / ".gitignore").write_text("coverage/\n*.out\n!keep.out\n")
    (acode.root / ".git" / "info" / "exclude").write_text("private.dat\n")
    (acode.root / "sub").mkdir()
    (acode.root / "sub" / ".gitignore").write_text("!special.out\n")
    script = (
        "mkdir -p coverage; echo 1 > coverage/lcov.info; echo 1 > a.out; echo 1 > keep.out;"
        "echo 1 > sub/special.out; echo 1 > sub/b.out; echo 1 > private.dat"
    )
    record = sh(acode, script, "--collect", "*.out", "--collect", "*.dat")
    assert set(collected(record)) == {"coverage/lcov.info", "keep.out", "sub/special.out"}
    ignored = dict.fromkeys(("a.out", "sub/b.out", "private.dat"), "ignored by .gitignore")
    assert skips(record) == ignored


@pytest.mark.parametrize(("choice", "expected"), [("never", set()), ("always", {"x.log", "y.out"})])
def test_ignored_files_can_be_forbidden_and_allowed(acode: Acode, choice: str, expected: set[str]) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=acode.root, check=True)
    (acode.root / ".gitignore").write_text("*.log\n*.out\n")
    acode.environ["ACODE_RUNS_ARTIFACTS_COLLECT_IGNORED"] = choice
    assert set(collected(sh(acode, "echo > x.log; echo > y.out", "--collect", "*.out"))) == expected


def test_excluded_patterns_and_no_collect_win(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_EXCLUDE_PATTERNS"] = "secret*,/tmp/"
    record = sh(acode, "echo > secret.log; mkdir tmp; echo > tmp/a.log; echo > b.log")
    assert set(collected(record)) == {"b.log"}
    acode.exec("true")


def test_no_collect_takes_no_files(acode: Acode) -> None:
    record = sh(acode, "echo > a.log", "--no-collect")
    assert not collected(record)
    assert record["provenance"]["files"] == "none"


def test_own_patterns_in_the_configuration_take_the_place_of_the_built_in_ones(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_COLLECT_PATTERNS"] = "*.bin,!not.bin"
    assert set(collected(sh(acode, "echo > a.bin; echo > not.bin; echo > c.log"))) == {"a.bin"}


def test_everything_is_everything(acode: Acode) -> None:
    (acode.root / "node_modules" / "m").mkdir(parents=True)
    (acode.root / "node_modules" / "m" / "index.js").write_text("1")
    (acode.root / ".gitignore").write_text("*\n")
    acode.environ["ACODE_RUNS_ARTIFACTS_COLLECT"] = "all"
    found = collected(sh(acode, "echo > new.c"))
    assert set(found) == {".gitignore", "node_modules/m/index.js", "new.c"}


def test_dependencies_and_version_control_are_not_looked_through(acode: Acode) -> None:
    script = "mkdir -p node_modules/m .git/x env/lib; echo > node_modules/m/a.log; echo > .git/x/b.log;"
    script += "echo > env/pyvenv.cfg; echo > env/lib/c.log; echo > d.log"
    assert set(collected(sh(acode, script))) == {"d.log"}


def test_names_of_acode_itself_are_kept_apart(acode: Acode) -> None:
    script = "echo 1 > coverage.json; echo 2 > run.json; mkdir collected; echo 3 > collected/run.json"
    found = collected(sh(acode, script, "--collect", "run.json", "--collect", "collected/*"))
    content = {path: (acode.folder() / path).read_text() for path in found}
    assert sorted(content.values()) == ["1\n", "2\n", "3\n"]
    assert content["collected/coverage.json"] == "1\n"
    assert found["collected/coverage.json"]["metadata"] == {"found_at": "coverage.json"}
    assert json.loads((acode.folder() / "run.json").read_bytes())["run_id"]


# Limits


def test_the_most_telling_files_come_first_when_there_are_too_many(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_ARTIFACTS_PER_RUN"] = "3"
    script = "for i in $(seq 1 300); do echo $i > $i.log; done; echo '<a/>' > junit.xml; echo > lcov.info"
    record = sh(acode, script)
    assert set(collected(record)) == {"junit.xml", "lcov.info", "1.log"}
    said = skips(record)
    assert said["10.log"] == "the limit of 3 files was reached"
    assert said[""] == "199 more files were left out by the same limits"
    assert len(said) == 101


def test_limits_of_size_are_exact_and_said(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "1000"
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_BYTES_PER_RUN"] = "2500"
    script = "head -c 1000 /dev/zero > a.bin; head -c 1001 /dev/zero > b.bin; head -c 1000 /dev/zero > c.bin;"
    script += "head -c 501 /dev/zero > d.bin; head -c 500 /dev/zero > e.bin; : > f.bin"
    record = sh(acode, script, "--collect", "*.bin")
    sizes = {path: a["size_bytes"] for path, a in collected(record).items()}
    assert sizes == {"a.bin": 1000, "c.bin": 1000, "e.bin": 500, "f.bin": 0}
    assert skips(record) == {
        "b.bin": "larger than 1000 bytes (1001)",
        "d.bin": "the limit of 2500 bytes for a run was reached",
    }


def test_a_log_that_is_too_long_is_kept_in_part(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "100"
    record = sh(acode, "yes abcd | head -n 100 > a.log")
    (log,) = collected(record).values()
    content = (acode.folder() / "a.log").read_bytes()
    assert content[:100] == b"abcd\n" * 20
    assert b"400 bytes cut here" in content[100:]
    assert (log["truncated"], log["original_size_bytes"], log["size_bytes"]) == (True, 500, len(content))
    assert log["checksum_sha256"] == hashlib.sha256(content).hexdigest()


def test_binary_files_are_left_out_if_wanted(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_SKIP_BINARY"] = "yes"
    record = sh(
        acode, r"printf 'a\000b' > a.log; printf '\377\376a\000' > utf16.log; printf 'h\351' > latin.log"
    )
    assert {p: a["encoding"] for p, a in collected(record).items()} == {
        "utf16.log": "utf-16", "latin.log": "iso-8859-1",
    }  # fmt: skip
    assert skips(record) == {"a.log": "binary"}


# What files can be


def test_links_pipes_devices_and_sockets_are_never_read(acode: Acode) -> None:
    victim = acode.root.parent / f"{acode.root.name}-victim"
    victim.mkdir()
    (victim / "secret.log").write_text("secret")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(acode.root)  # the name of a socket is short
    try:
        script = f"ln -s {victim} TestResults; ln -s {victim}/secret.log l.log; mkfifo p.log; "
        script += (
            "mknod d.log c 1 5 2>/dev/null || : > d.log; python3 -c 'pass'; ln {victim}/nothing h.log; true"
        )
        started = acode.start("exec", "--", "sh", "-c", script)
        listener.bind("s.log")
        assert started.wait(30) == 0
        started.communicate()
    finally:
        os.chdir(here)
        listener.close()
    record = sealed(acode)
    assert set(collected(record)) <= {"d.log"}
    said = skips(record)
    assert said["l.log"] == "a symbolic link is not followed"
    assert said["p.log"] == "not a regular file"
    assert not any(b"secret" in p.read_bytes() for p in acode.folder().rglob("*.log") if p.is_file())


HARD_NAMES = [
    b"-rf.log", b"new\nline.log", b"\x1b[31mred.log", b"\xff\xfe.log", "ünïcödé 🦀.log".encode(), b" .log",
    b"a" * 251 + b".log", b"...log", b"%41.log", b"back\\slash.log", b"quote'\".log",
]  # fmt: skip


def test_any_name_that_a_file_can_have_is_kept(acode: Acode) -> None:
    names = [os.fsdecode(name) for name in HARD_NAMES]
    script = "import sys,pathlib\nfor n in sys.argv[1:]: pathlib.Path(n).write_text('x')"
    assert acode.run("exec", "--", "python3", "-c", script, *names).returncode == 0
    record = sealed(acode)
    found = collected(record)
    assert not record["skipped"]
    assert len(found) == len(names)
    assert found["%FF%FE.log"]["metadata"] == {"found_at": "%FF%FE.log"}
    assert all((acode.folder() / path).read_text() == "x" for path in found)
    listed = acode.run("runs", "artifacts", "latest", "--json")
    assert {a["path"] for a in json.loads(listed.stdout)} >= set(found)
    shown = acode.run("artifacts", "cat", "latest", "new\nline.log")
    assert shown.stdout == b"x"


def test_unreadable_files_cost_only_themselves() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as base:  # pytest's own is closed to other users
        source, place = Path(base, "work"), run_place(Path(base))
        for folder in (source / "closed", Path(place.folder)):
            folder.mkdir(parents=True)
        for name in ("a.log", "b.log", "closed/c.log"):
            (source / name).write_text(name)
        (source / "b.log").chmod(0)
        (source / "closed").chmod(0)
        taken, skipped = _as_nobody(base, lambda: _collect_logs(place, source))
        assert taken == ["a.log"]
        assert skipped == [["b.log", "permission denied"]]


def _collect_logs(place: RunPlace, source: Path) -> list[list[Any]]:
    result = collect(place, str(source), Wanted(since_ns=0, until_ns=1 << 62, builtin=("*.log",)), Limits())
    return [[a["path"] for a in result.artifacts], [list(skip) for skip in result.skipped]]


def _as_nobody(base: str, work: Callable[[], list[list[Any]]]) -> list[list[Any]]:
    """Do something as a user for whom permissions hold, in a process of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                for path in (base, *(str(p) for p in Path(base).rglob("*"))):
                    os.chown(path, 65534, 65534)
                os.setgid(65534)
                os.setuid(65534)
            os.write(writer, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        result: list[list[Any]] = json.loads(answer.read())
    os.waitpid(pid, 0)
    return result


def test_a_folder_nested_without_end_is_left_where_it_gets_too_deep(tmp_path: Path) -> None:
    place = run_place(tmp_path)
    Path(place.folder).mkdir(parents=True)
    fd = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "work").mkdir()
    for _ in range(300):
        os.mkdir("d", dir_fd=fd)
        child = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = child
    os.close(fd)
    (tmp_path / "d" / "top.log").write_text("x")
    wanted = Wanted(since_ns=0, until_ns=1 << 62, builtin=("*.log",))
    result = collect(place, str(tmp_path / "d"), wanted, Limits())
    assert [a["path"] for a in result.artifacts] == ["top.log"]


def test_a_file_that_grows_or_vanishes_is_taken_as_it_was_or_left(tmp_path: Path) -> None:
    place = run_place(tmp_path)
    source = tmp_path / "work"
    Path(place.folder).mkdir(parents=True)
    source.mkdir()
    stop = threading.Event()

    def disturb() -> None:
        with (source / "grows.log").open("ab", buffering=0) as grows:
            while not stop.is_set():
                if grows.tell() < 4 << 20:  # else each copy takes longer than the one before
                    grows.write(b"x" * 512)
                (source / "comes.log").write_text("here")
                (source / "comes.log").unlink()

    (source / "grows.log").write_bytes(b"x" * 100_000)
    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        wanted = Wanted(since_ns=0, until_ns=1 << 62, builtin=("*.log",))
        for _ in range(50):
            result = collect(place, str(source), wanted, Limits(file_bytes=0, run_bytes=0))
            for artifact in result.artifacts:
                content = Path(place.folder, artifact["path"]).read_bytes()
                assert artifact["checksum_sha256"] == hashlib.sha256(content).hexdigest()
                assert artifact["size_bytes"] == len(content)
            assert "grows.log" in {a["path"] for a in result.artifacts}
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_links_swapped_in_during_a_collection_lead_nowhere(tmp_path: Path, swapped: str) -> None:
    place = run_place(tmp_path)
    source, outside = tmp_path / "work", tmp_path / "outside"
    for folder in (Path(place.folder), source / "TestResults", outside):
        folder.mkdir(parents=True)
    for n in range(5):
        (outside / f"{n}.log").write_text("foreign")
        (source / "TestResults" / f"{n}.log").write_text("own")
    stop = threading.Event()
    target = source / "TestResults" / "3.log" if swapped == "file" else source / "TestResults"
    decoy = outside / "3.log" if swapped == "file" else outside

    def attack() -> None:
        aside, link = tmp_path / "aside", tmp_path / "link"
        while not stop.is_set():
            link.symlink_to(decoy)
            target.rename(aside)
            link.rename(target)
            target.unlink()
            aside.rename(target)

    wanted = Wanted(since_ns=0, until_ns=1 << 62, builtin=("**/TestResults/**",))
    assert len(collect(place, str(source), wanted, Limits()).artifacts) == 5
    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for _ in range(200):
            collect(place, str(source), wanted, Limits())
    finally:
        stop.set()
        attacker.join()
    assert {p.read_text() for p in Path(place.folder).rglob("*.log")} == {"own"}
    assert all(p.read_text() == "foreign" for p in outside.iterdir())


def test_a_run_outside_of_the_workspace_is_looked_through_only_if_asked(
    acode: Acode, tmp_path_factory: Any
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    acode.run("exec", "--", "sh", "-c", "echo > a.log", cwd=elsewhere)
    assert not collected(sealed(acode))
    acode.run(
        "exec", "--task", "second", "--collect", "*.log", "--", "sh", "-c", "echo > b.log", cwd=elsewhere
    )
    acode.run("runs", "list")
    second = next(record for record in acode.records() if record["task"] == "second")
    assert "b.log" in collected(second)


def test_a_record_from_elsewhere_does_not_make_us_read_what_lies_anywhere(acode: Acode) -> None:
    victim = acode.root.parent / f"{acode.root.name}-keys"
    victim.mkdir()
    (victim / "id_rsa").write_text("secret")
    acode.run("exec", "--collect", "id_*", "--", "true")
    path = acode.folder() / "run.json"
    record = json.loads(path.read_bytes())
    record |= {"working_directory": str(victim), "start_time": "2000-01-01T00:00:00.000Z"}
    record["recorder"] |= {"boot_id": "another"}
    path.write_text(json.dumps(record))
    assert not collected(sealed(acode))


def test_sealing_anew_after_a_crash_makes_nothing_twice(acode: Acode) -> None:
    acode.run("exec", "--", "sh", "-c", "echo 1 > a.log; echo 2 > run.log")
    before = (acode.folder() / "run.json").read_bytes()
    first = sealed(acode)
    (acode.folder() / "run.json").write_bytes(before)  # as if killed before the record was replaced
    (acode.folder() / ".a.log.1-2.tmp").write_text("half")
    Path(acode.workspace.spool, f"{acode.folder().name}.sealing").touch()
    again = sealed(acode)
    assert set(collected(again)) == set(collected(first)) == {"a.log", "run.log"}
    assert sorted(p.name for p in acode.folder().glob("*.log")) == ["a.log", "run.log"]
    assert not list(acode.folder().glob(".*.tmp"))


def test_many_files_are_collected_in_flat_memory(tmp_path: Path) -> None:
    import tracemalloc

    place = run_place(tmp_path)
    Path(place.folder).mkdir(parents=True)
    source = tmp_path / "work"
    for folder in range(20):
        (source / str(folder)).mkdir(parents=True)
        for n in range(100):
            (source / str(folder) / f"{n}.log").write_bytes(random.randbytes(10))
    wanted = Wanted(since_ns=0, until_ns=1 << 62, builtin=("*.log",))
    collect(place, str(source), wanted, Limits(files=5))
    tracemalloc.start()
    result = collect(place, str(source), wanted, Limits(files=5))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result.artifacts) == 5
    assert peak < 8 << 20


def test_what_a_sealing_that_was_cut_short_left_is_removed(acode: Acode) -> None:
    acode.run("exec", "--", "sh", "-c", "echo 1 > a.log")
    folder = acode.folder()
    (folder / "sub").mkdir()
    for name in ("gone.log", "sub/gone.xml", "gone.log.zst", "test-results.json"):
        (folder / name).write_text("half")
    spool = Path(acode.workspace.spool)
    (spool / f"{folder.name}.end").unlink(missing_ok=True)
    (spool / f"{folder.name}.sealing").touch()
    acode.run("runs", "list")
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == [
        "a.log", "output.idx", "output.txt", "run.json", "stderr.txt", "stdout.txt",
    ]  # fmt: skip
    assert set(collected(acode.record())) == {"a.log"}


def test_what_a_shorter_run_wrote_is_not_that_of_a_long_one_beside_it(acode: Acode) -> None:
    script = "echo 1 > server.log; : > started; while [ ! -e stop ]; do sleep 0.02; done"
    server = acode.start("exec", "--task", "server", "--", "sh", "-c", script)
    wait_for((acode.root / "started").exists)
    assert acode.run("exec", "--task", "test", "--", "sh", "-c", "echo 2 > test.log").returncode == 0
    assert acode.run("runs", "list").returncode == 0
    (acode.root / "stop").touch()
    assert server.wait(30) == 0
    server.communicate()
    acode.run("runs", "list")
    found = {record["task"]: set(collected(record)) for record in acode.records()}
    assert found == {"test": {"test.log"}, "server": {"server.log"}}
    (record,) = (r for r in acode.records() if r["task"] == "server")
    assert skips(record) == {"": "1 matching files are those of shorter runs meanwhile"}


def test_a_run_also_has_what_the_runs_that_it_started_wrote(acode: Acode) -> None:
    inner = " ".join(
        [*map(shlex.quote, ACODE), "exec", "--task", "inner", "--", "sh", "-c", "'echo 1 > a.log'"]
    )
    acode.run("exec", "--task", "outer", "--", "sh", "-c", f"{inner}; sleep 0.05")
    acode.run("runs", "list")
    found = {record["task"]: set(collected(record)) for record in acode.records()}
    assert found == {"inner": {"a.log"}, "outer": {"a.log"}}
