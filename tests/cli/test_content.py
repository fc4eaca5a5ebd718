"""What was recorded, as it was: show, stdout, stderr, output, artifacts; piped and on a terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import BINARY, RUNS, Recorded
from tests.conftest import ACODE
from tests.terminal import Terminal

BYTES = bytes(range(256)) * 40


def on_terminal(recorded: Recorded, *arguments: str, **environ: str) -> tuple[int, bytes]:
    """Run a command on a terminal; return its exit status and the bytes the terminal was sent."""
    names = {k: v for k, v in recorded.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    terminal = Terminal([*ACODE, *arguments], {**names, **environ}, str(recorded.root))
    status = terminal.finish()
    return status, terminal.output


def test_streams_are_printed_as_they_were_recorded(recorded: Recorded) -> None:
    assert recorded.ok("runs", "stdout", "build") == "built\n"
    assert recorded.ok("runs", "stdout", "test") == "testing\n"
    assert recorded.ok("runs", "stderr", "test") == "connection refused\n"
    assert recorded.ok("runs", "stdout", "both") == "".join(f"out {n}\n" for n in range(5))
    assert "-c" in RUNS[3]
    assert BINARY
    assert recorded.run("runs", "stdout", "binary").stdout == BYTES


def test_output_is_both_streams_as_they_came(fresh: Recorded) -> None:
    script = "for n in 1 2 3; do echo out $n; sleep 0.05; echo err $n >&2; sleep 0.05; done"
    fresh.exec("sh", "-c", script)
    expected = "".join(f"out {n}\nerr {n}\n" for n in (1, 2, 3))
    assert fresh.ok("runs", "output") == expected
    (fresh.folder() / "output.txt").unlink()
    assert fresh.ok("runs", "output") == expected


def test_a_reference_can_be_left_out_abbreviated_or_counted(recorded: Recorded) -> None:
    newest = recorded.ok("runs", "stdout")
    assert newest == recorded.ok("run", "stdout", "latest") == recorded.ok("runs", "stdout", "@")
    assert recorded.json("runs", "show", "@1", "--json")["task"] == "slow"
    assert recorded.json("runs", "show", "@6", "--json")["task"] == "build"
    record = recorded.json("runs", "show", "build", "--json")
    for reference in (record["run_id"], record["run_id"].lower(), record["name"], record["name"][:8]):
        assert recorded.json("runs", "show", reference, "--json") == record
    assert recorded.json("runs", "show", "@last-failed", "--json")["task"] == "slow"


@pytest.mark.parametrize(
    ("reference", "status", "parts"),
    [
        ("tset", 1, ["ACODE-RUN-001", "'tset'", "did you mean 'test-"]),
        ("b", 2, ["ACODE-RUN-016", "build-", "both-", "binary-"]),
        ("@99", 1, ["ACODE-RUN-001"]),
        ("@x", 2, ["'@x'"]),
        ("", 1, ["ACODE-RUN-001"]),
        ("../../etc/passwd", 1, ["ACODE-RUN-001"]),
        ("%", 1, ["ACODE-RUN-001"]),
        ("' OR 1=1 --", 1, ["ACODE-RUN-001"]),
        ("\x1b[2J\x07", 1, ["ACODE-RUN-001"]),
        ("\udcff", 1, ["ACODE-RUN-001"]),
        ("\U0010ffff", 1, ["ACODE-RUN-001"]),
        ("x" * 100_000, 1, ["ACODE-RUN-001"]),
    ],
)
@pytest.mark.parametrize("verb", ["show", "stdout", "output", "follow", "artifacts"])
def test_a_hostile_reference_is_one_line(
    recorded: Recorded, verb: str, reference: str, status: int, parts: list[str]
) -> None:
    if reference == "" and verb == "show":
        return  # as good as none: the latest
    message = recorded.fails(status, "runs", verb, reference)
    assert message[:-1].isprintable()
    for part in parts:
        assert part in message


def test_a_closed_pipe_is_no_error(fresh: Recorded) -> None:
    fresh.exec("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
    for verb in ("stdout", "output", "follow"):
        process = fresh.start("runs", verb)
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0
        process.stderr.close()


def test_a_full_disk_is_one_line(recorded: Recorded) -> None:
    with Path("/dev/full").open("wb") as full:
        done = recorded.run("runs", "list", "--json", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"ACODE-ART-005" in done.stderr


def test_a_terminal_is_sent_colours_and_nothing_else(recorded: Recorded) -> None:
    status, sent = on_terminal(recorded, "runs", "stdout", "hostile")
    assert status == 0
    assert b"\x1b[31mred" in sent
    assert sent.replace(b"\x1b[31m", b"").replace(b"\x1b[0m", b"").count(b"\x1b") == 0
    assert b"\x07" not in sent
    assert "␛]0;owned␇␛[2Jtext".encode() in sent


def test_no_color_leaves_no_sequence_at_all(recorded: Recorded) -> None:
    for arguments in (["runs", "stdout", "hostile"], ["runs", "list"], ["runs", "show"], ["doctor"]):
        status, sent = on_terminal(recorded, *arguments, NO_COLOR="1", ACODE_PAGER="cat")
        assert (status, sent.count(b"\x1b")) == (0, 0)
    assert b"\x1b" in on_terminal(recorded, "runs", "list")[1]


def test_binary_is_not_thrown_at_a_terminal(recorded: Recorded) -> None:
    status, sent = on_terminal(recorded, "runs", "stdout", "binary")
    assert status == 1
    assert b"binary" in sent
    assert b"\0" not in sent
    status, sent = on_terminal(recorded, "runs", "stdout", "binary", "--force")
    assert status == 0
    assert b"\0" not in sent


def test_a_table_on_a_terminal_of_forty_columns_is_not_wrapped(recorded: Recorded) -> None:
    terminal = Terminal([*ACODE, "runs", "list"], recorded.environ, str(recorded.root), columns=40)
    assert terminal.finish() == 0
    assert terminal.output.count(b"\n") == len(RUNS) + 1
    assert terminal.lines()[0].startswith("STATUS")


def test_show_says_what_is_known(recorded: Recorded) -> None:
    text = recorded.ok("runs", "show", "test")
    for part in ("Status:     failure", "Exit code:  1", "Session:    s-one", "Tags:       important",
                 "Artifacts (", "stderr.txt (19 B)"):  # fmt: skip
        assert part in text
    assert "\x1b" not in recorded.ok("runs", "show", "names")


def test_show_previews_the_end_of_the_output(recorded: Recorded) -> None:
    text = recorded.ok("runs", "show", "hostile", "--preview")
    assert "␛]0;owned␇␛[2Jtext" in text
    assert recorded.ok("runs", "show", "--artifacts", "both").count("\n") >= 3


def test_log_failed_prints_just_what_failed(recorded: Recorded) -> None:
    done = recorded.run("runs", "show", "--log-failed", "test")
    assert done.returncode == 0
    assert done.stdout == b"connection refused\n"
    assert b"exit code 1" in done.stderr
    done = recorded.run("runs", "show", "--log-failed", "build")
    assert (done.returncode, done.stdout) == (0, b"")
    assert recorded.run("runs", "show", "--log-failed").stderr.startswith(b"slow-")


def test_artifacts_are_listed_printed_and_saved(recorded: Recorded, tmp_path: Path) -> None:
    found = recorded.json("runs", "artifacts", "build", "--json")
    stdout = next(item for item in found if item["type"] == "stdout")
    assert stdout["size_bytes"] == 6
    for arguments in (
        ["runs", "artifact", stdout["artifact_id"]],
        ["artifact", "cat", "build", "stdout.txt"],
        ["artifacts", "cat", stdout["artifact_id"].lower()],
    ):
        assert recorded.ok(*arguments) == "built\n"
    target = tmp_path / "saved.log"
    assert recorded.run("runs", "artifact", stdout["artifact_id"], "--output", str(target)).returncode == 0
    assert target.read_bytes() == b"built\n"
    message = recorded.fails(2, "runs", "artifact", stdout["artifact_id"], "--output", str(target))
    assert "--force" in message
    assert "did you mean 'stdout.txt'" in recorded.fails(1, "artifacts", "cat", "build", "stdot.txt")
    assert "ACODE-RUN-002" in recorded.fails(1, "runs", "artifact", "../../etc/passwd")
    assert "ACODE-RUN-002" in recorded.fails(1, "artifacts", "cat", "build", "../run.json")


def test_artifacts_path_says_where(recorded: Recorded) -> None:
    folder = Path(recorded.ok("artifacts", "path", "build").rstrip("\n"))
    assert (folder / "run.json").is_file()
    assert Path(recorded.ok("artifacts", "path", "build", "stdout.txt").rstrip("\n")).read_text() == "built\n"
    assert "Artifacts:\n  - stdout.txt (6 B)" in recorded.ok("artifacts", "show", "build")
    assert recorded.ok("artifacts", "list").count("\n") == len(RUNS) + 1


def test_a_missing_file_is_flagged_and_named(fresh: Recorded) -> None:
    fresh.exec("echo", "x")
    fresh.ok("runs", "list", "--json")
    (fresh.folder() / "stdout.txt").unlink()
    assert "stdout.txt (missing)" in fresh.ok("artifacts", "list", "latest")
    assert "ACODE-ART-011" in fresh.fails(1, "runs", "stdout")


def test_a_symbolic_link_in_a_run_folder_is_not_followed(fresh: Recorded) -> None:
    fresh.exec("echo", "x")
    fresh.ok("runs", "list", "--json")
    path = fresh.folder() / "stdout.txt"
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert "ACODE-ART-009" in fresh.fails(2, "runs", "stdout")
    (fresh.folder() / "output.txt").unlink()
    assert b"root:" not in fresh.run("runs", "output").stdout


def test_stats_count(recorded: Recorded) -> None:
    found = recorded.json("runs", "stats", "--json")
    assert found["runs"] == len(RUNS)
    assert found["by_status"] == {"success": 5, "failure": 1, "timeout": 1}
    text = recorded.ok("runs", "stats")
    assert "Total Runs:       7\nSuccessful:       5 (71.4%)\nFailed:           2 (28.6%)\n" in text


@pytest.mark.parametrize("damage", ["{", "[]", "null", '{"path": 3}'])
def test_a_damaged_record_of_a_file_is_flagged_and_the_rest_is_listed(fresh: Recorded, damage: str) -> None:
    import sqlite3

    fresh.exec("echo", "x")
    fresh.ok("runs", "list", "--json")
    database = sqlite3.connect(fresh.workspace.database)
    with database:
        database.execute("UPDATE artifacts SET record = ? WHERE type = 'stdout'", [damage])
    database.close()
    assert [a["corrupt"] for a in fresh.json("runs", "show", "--json")["artifacts"]] == [True, False, False]
    assert "stdout.txt (corrupt)" in fresh.ok("artifacts", "list", "latest")
    fresh.run("runs", "reindex")
    assert "corrupt" not in fresh.ok("artifacts", "list", "latest")
