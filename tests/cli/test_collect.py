"""`acode artifacts collect` adds files to runs; `migrate` moves run folders."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from collector.record.folder import day_folder
from tests.conftest import Acode, read_json, wait_for

Process = subprocess.Popen[bytes]


def paths(acode: Acode, run: str = "latest") -> dict[str, str]:
    listed = json.loads(acode.run("runs", "artifacts", run, "--json").stdout)
    return {a["path"]: a["artifact_id"] for a in listed}


def test_a_file_is_added_to_a_finished_run(acode: Acode) -> None:
    acode.exec("true")
    (acode.root / "report.html").write_text("<p>ok")
    done = acode.run("artifacts", "collect", "--run-id", "@", "--file", "report.html", "--json")
    assert done.returncode == 0, done.stderr
    artifact = json.loads(done.stdout)
    assert paths(acode)["report.html"] == artifact["artifact_id"]
    assert artifact["checksum_sha256"] == hashlib.sha256(b"<p>ok").hexdigest()
    assert (artifact["content_type"], artifact["size_bytes"]) == ("text/html", 5)
    assert acode.run("artifacts", "cat", "@", "report.html").stdout == b"<p>ok"
    record = acode.record()
    assert artifact["artifact_id"] in [a["artifact_id"] for a in record["artifacts"]]
    assert not (acode.folder() / ".incoming").exists()


def test_standard_input_is_added_under_the_name_that_is_given(acode: Acode) -> None:
    acode.exec("true")
    for text, name in ((b"first", "db/app.sql"), (b"", "empty.txt"), (b"second", "db/app.sql")):
        done = acode.run("artifacts", "collect", "--file", "-", "--name", name, input=text)
        assert done.returncode == 0, done.stderr
    assert acode.run("artifacts", "cat", "@", "db/app.sql").stdout == b"first"
    assert acode.run("artifacts", "cat", "@", "empty.txt").stdout == b""
    assert acode.run("artifacts", "cat", "@", "collected/db/app.sql").stdout == b"second"


def test_a_command_adds_to_its_own_run(acode: Acode) -> None:
    script = f"echo made > out.bin; {subprocess.list2cmdline(_acode())} artifacts collect --file out.bin"
    assert acode.run("exec", "--", "sh", "-c", script).returncode == 0
    acode.exec("true")
    assert acode.run("artifacts", "cat", "@1", "out.bin").stdout == b"made\n"


def _acode() -> list[str]:
    from tests.conftest import PROJECT

    return [str(Path(__import__("sys").executable)), str(PROJECT / "collector" / "__main__.py")]


def test_with_a_collector_the_file_is_there_when_the_command_returns(
    acode: Acode, collector: Process
) -> None:
    acode.exec("true")
    wait_for(lambda: acode.record()["status"] == "success")
    for number in range(5):
        done = acode.run(
            "artifacts", "collect", "--file", "-", "--name", f"{number}.txt", input=b"%d" % number
        )
        assert done.returncode == 0, done.stderr
        assert acode.run("artifacts", "cat", "@", f"{number}.txt").stdout == b"%d" % number


def test_more_than_the_limit_is_cut_and_said(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_MAX_SIZE_PER_ARTIFACT"] = "1000"
    acode.exec("true")
    done = acode.run("artifacts", "collect", "--file", "-", "--name", "a.bin", "--json", input=b"x" * 5000)
    artifact = json.loads(done.stdout)
    assert artifact["truncated"]
    assert b"the limit for a file was reached" in acode.run("artifacts", "cat", "@", "a.bin").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--file", "nothing"], "ACODE-ART-006"),
        (["--file", "."], "ACODE-RUN-019"),
        (["--file", "-"], "ACODE-RUN-019"),
        (["--file", "-", "--name", "../../etc/passwd"], "ACODE-ART-009"),
        (["--file", "-", "--name", "/etc/passwd"], "ACODE-ART-009"),
        (["--file", "-", "--name", "a\0b".replace("\0", "//")], "ACODE-ART-009"),
        (["--file", "-", "--name", "x", "--run-id", "nosuchrun"], "ACODE-RUN-001"),
        ([], "ACODE-RUN-019"),
    ],
)
def test_what_cannot_be_added_is_one_line(acode: Acode, arguments: list[str], code: str) -> None:
    acode.exec("true")
    done = acode.run("artifacts", "collect", *arguments, input=b"")
    assert done.returncode in (1, 2)
    assert done.stderr.decode().startswith(f"acode: {code}: ") or code in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_names_of_acode_itself_cannot_be_replaced(acode: Acode) -> None:
    acode.exec("echo", "real")
    done = acode.run("artifacts", "collect", "--file", "-", "--name", "stdout.txt", input=b"fake")
    assert done.returncode == 0
    assert acode.run("runs", "stdout", "@").stdout == b"real\n"
    assert acode.run("artifacts", "cat", "@", "collected/stdout.txt").stdout == b"fake"


# Layout


def test_a_dated_store_has_a_folder_for_each_day(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_ARTIFACTS_LAYOUT"] = "dated"
    acode.exec("echo", "hi")
    latest = Path(acode.workspace.latest).resolve()
    day = day_folder(int(latest.stat().st_mtime * 1000))
    assert latest.relative_to(acode.workspace.artifacts).parent.as_posix() == day
    assert acode.run("runs", "stdout", "@").stdout == b"hi\n"
    assert acode.run("runs", "list", "--json").returncode == 0
    assert read_json(latest / "run.json")["artifacts"][0]["checksum_sha256"]


def test_folders_are_moved_and_everything_is_still_found(acode: Acode) -> None:
    for number in range(3):
        acode.exec("echo", str(number))
    acode.run("runs", "list")
    before = acode.run("runs", "list", "--json").stdout
    assert acode.run("artifacts", "migrate", "--layout", "dated").returncode == 0
    assert not acode.folders() or all(f.name.isdigit() for f in acode.folders())
    assert acode.run("runs", "list", "--json").stdout == before
    assert acode.run("runs", "stdout", "@1").stdout == b"1\n"
    assert (Path(acode.workspace.latest) / "run.json").exists()
    assert acode.run("runs", "reindex").returncode == 0
    assert acode.run("runs", "list", "--json").stdout == before
    acode.exec("echo", "flat")  # both can live side by side
    assert acode.run("runs", "stdout", "@").stdout == b"flat\n"
    assert acode.run("artifacts", "migrate", "--layout", "flat").returncode == 0
    assert len(acode.folders()) == 4
    assert acode.run("runs", "stdout", "@2").stdout == b"1\n"


def test_a_migration_that_was_cut_short_is_mended_by_the_next(acode: Acode) -> None:
    acode.exec("echo", "hi")
    acode.run("runs", "list")
    folder = acode.folder()
    day = Path(acode.workspace.artifacts, day_folder(int(folder.stat().st_mtime * 1000)))
    day.mkdir(parents=True)
    folder.rename(day / folder.name)  # moved, and killed before the row followed
    assert acode.run("artifacts", "migrate", "--layout", "dated").returncode == 0
    assert acode.run("runs", "stdout", "@").stdout == b"hi\n"


def test_names_are_unique_over_both_layouts(acode: Acode) -> None:
    for layout in ("flat", "dated") * 5:
        acode.environ["ACODE_RUNS_ARTIFACTS_LAYOUT"] = layout
        acode.run("exec", "--task", "same", "--", "echo", layout)
    listed = json.loads(acode.run("runs", "list", "--json").stdout)
    assert len({run["name"] for run in listed}) == 10


def test_statistics_say_what_compression_and_links_save(acode: Acode) -> None:
    text = b"".join(b"line number %d of a text\n" % n for n in range(20_000))
    (acode.root / "big").write_bytes(text)
    for _ in range(2):
        acode.exec("cat", "big")
    acode.run("runs", "list")
    found = json.loads(acode.run("artifacts", "stats", "--json").stdout)
    files = {p.stat().st_ino: p.stat().st_size for f in acode.folders() for p in f.iterdir()}
    kept = {f.name for f in acode.folders()[0].iterdir()} - {"run.json", "output.idx"}
    assert found["artifacts"] == 2 * len(kept)
    assert found["content_bytes"] == 4 * len(text)  # stdout.txt and output.txt of both
    assert found["disk_bytes"] == max(files.values())
    assert found["saved_by_compression"] == found["content_bytes"] - found["stored_bytes"] > len(text)
    assert b"saved by linking" in acode.run("artifacts", "stats").stdout


def test_a_run_is_shown_with_what_was_found_in_it(acode: Acode) -> None:
    (acode.root / "junit").write_text('<testsuite><testcase name="a"><failure/></testcase></testsuite>')
    acode.exec("sh", "-c", "cp junit junit.xml; ln -s x a.log; echo 'ERROR: no'; echo 'Tokens: 5'; exit 1")
    shown = acode.run("runs", "show").stdout.decode()
    for text in ("1 of 1 failed", "1 error", "tokens_used 5", "a.log: a symbolic link is not followed"):
        assert text in shown


def test_a_file_that_was_handed_in_outlives_a_sealing_that_was_cut_short(acode: Acode) -> None:
    script = f"echo made > out.bin; {subprocess.list2cmdline(_acode())} artifacts collect --file out.bin"
    acode.exec("sh", "-c", script)
    folder = acode.folder()
    (data,) = (folder / ".incoming").glob("*.data")
    data.rename(folder / "out.bin")  # moved into place, and killed before run.json said so
    Path(acode.workspace.spool, f"{folder.name}.sealing").touch()
    assert acode.run("artifacts", "cat", "@", "out.bin").stdout == b"made\n"
