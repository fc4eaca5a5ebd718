"""`acode search` as users see it: piped, as records, on a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from collector.store.search_reader import search_statistics
from tests.cli.conftest import Recorded
from tests.conftest import ACODE, Acode
from tests.terminal import Terminal

HOSTILE = "\x1b]0;owned\x07\x1b[2J red \x1b[31mneedle\x1b[0m\t\u202eabc\r"
OUTPUT: dict[str, tuple[str, ...]] = {
    "old": ("one", "two needle", "three", "four", "five needle", "six"),
    "loud": ("NEEDLE", "re:/needle/", "a.needle|b", "nothing"),
    "same": ("shared line with a needle",),
    "copy": ("shared line with a needle",),
    "hostile": (HOSTILE,),
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A run for each of OUTPUT, oldest first."""
    acode = Recorded(tmp_path_factory.mktemp("searched"))
    (acode.root / ".acode").mkdir()
    for task, rows in OUTPUT.items():
        (acode.root / f"{task}.txt").write_text("\n".join(rows) + "\n", newline="")
        acode.run("exec", "--task", task, "--", "cat", f"{task}.txt")
    acode.run("runs", "list")
    return acode


def short(text: str) -> list[str]:
    """Return lines with tasks in place of names."""
    names = [line.split("/")[0] for line in text.split("\n") if "/" in line]
    for name in names:
        text = text.replace(name, name.partition("-")[0])
    return text.split("\n")[:-1]


def on_terminal(acode: Acode, *arguments: str, columns: int = 80) -> tuple[int, bytes]:
    terminal = Terminal([*ACODE, *arguments], acode.environ, str(acode.root), columns=columns)
    return terminal.finish(), terminal.output


def test_piped_it_is_a_line_for_each_match_newest_run_first(searched: Recorded) -> None:
    assert short(searched.ok("search", "needle", "-task:hostile")) == [
        "copy/stdout.txt:1:shared line with a needle",
        "loud/stdout.txt:1:NEEDLE",
        "loud/stdout.txt:2:re:/needle/",
        "loud/stdout.txt:3:a.needle|b",
        "old/stdout.txt:2:two needle",
        "old/stdout.txt:5:five needle",
    ]


def test_a_capital_letter_makes_case_matter_and_options_say_otherwise(searched: Recorded) -> None:
    assert short(searched.ok("search", "NEEDLE")) == ["loud/stdout.txt:1:NEEDLE"]
    assert short(searched.ok("search", "-s", "needle", "task:loud")) == [
        "loud/stdout.txt:2:re:/needle/",
        "loud/stdout.txt:3:a.needle|b",
    ]
    assert len(short(searched.ok("search", "-i", "NEEDLE", "task:loud"))) == 3
    assert len(short(searched.ok("search", "re:/N\\w+E/", "task:loud"))) == 1
    assert len(short(searched.ok("search", "re:/n\\W|n\\w/", "task:loud"))) == 4


def test_an_expression_and_the_same_as_a_text(searched: Recorded) -> None:
    assert short(searched.ok("search", "re:/^(one|six)$/")) == [
        "old/stdout.txt:1:one", "old/stdout.txt:6:six"
    ]  # fmt: skip
    assert short(searched.ok("search", "-F", "re:/needle/")) == ["loud/stdout.txt:2:re:/needle/"]
    assert short(searched.ok("search", ".needle|")) == ["loud/stdout.txt:3:a.needle|b"]


def test_lines_around_come_once_each_and_gaps_are_marked(searched: Recorded) -> None:
    assert short(searched.ok("search", "needle", "task:old", "-C1")) == [
        "old/stdout.txt-1-one", "old/stdout.txt:2:two needle", "old/stdout.txt-3-three",
        "old/stdout.txt-4-four", "old/stdout.txt:5:five needle", "old/stdout.txt-6-six",
    ]  # fmt: skip
    assert short(searched.ok("search", "needle", "task:old", "-A", "1")) == [
        "old/stdout.txt:2:two needle", "old/stdout.txt-3-three", "--",
        "old/stdout.txt:5:five needle", "old/stdout.txt-6-six",
    ]  # fmt: skip
    assert len(short(searched.ok("search", "needle", "task:old", "-B9"))) == 5


def test_files_alone_and_how_many_lines_of_each(searched: Recorded) -> None:
    assert short(searched.ok("search", "needle", "-l", "task:old,loud")) == [
        "loud/stdout.txt", "old/stdout.txt"
    ]  # fmt: skip
    assert short(searched.ok("search", "-c", "needle", "task:old,loud")) == [
        "loud/stdout.txt:3", "old/stdout.txt:2"
    ]  # fmt: skip
    (record,) = searched.json("search", "-c", "needle", "task:old", "--json")
    assert (record["path"], record["count"], record["other_runs"]) == ("stdout.txt", 2, 0)


def test_records_have_these_keys_and_name_the_artifact(searched: Recorded) -> None:
    (record,) = searched.json("search", "two", "--json", "-C1")
    run = searched.json("runs", "show", record["run_id"], "--json")
    artifacts = {artifact["path"]: artifact["artifact_id"] for artifact in run["artifacts"]}
    assert record == {
        "run_id": run["run_id"], "name": run["name"], "artifact_id": artifacts["stdout.txt"],
        "path": "stdout.txt", "line": 2, "column": 1, "text": "two needle", "before": ["one"],
        "after": ["three"], "other_runs": 0,
    }  # fmt: skip
    (line,) = searched.ok("search", "two", "--format", "jsonl").splitlines()
    assert json.loads(line) == record | {"before": [], "after": []}
    assert searched.ok("search", "two", "--format", "csv", "--fields", "line,text") == (
        "line,text\r\n2,two needle\r\n"
    )


def test_what_several_runs_share_is_told_of_once(searched: Recorded) -> None:
    (record,) = searched.json("search", "shared", "--json")
    assert (record["name"].partition("-")[0], record["other_runs"]) == ("copy", 1)
    (record,) = searched.json("search", "shared", "task:same", "--json")
    assert (record["name"].partition("-")[0], record["other_runs"]) == ("same", 0)


def test_a_limit_is_said_on_stderr(searched: Recorded) -> None:
    done = searched.run("search", "needle", "--limit", "2")
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 2)
    assert done.stderr == b"acode: there are more; --limit 0 shows all\n"
    assert len(short(searched.ok("search", "needle", "task:old", "--max-count", "1"))) == 1


def test_nothing_found_is_no_error(searched: Recorded, fresh: Recorded) -> None:
    for acode in (searched, fresh):
        done = acode.run("search", "not to be found")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"no matches\n")
        assert acode.json("search", "not to be found", "--json") == []


@pytest.mark.parametrize("text", ["re:/(/", "re:/(?=x)/", "re:/a{9999}/", "", "two\nlines"])
def test_what_cannot_be_searched_for_is_wrong_usage(searched: Recorded, text: str) -> None:
    assert "ACODE-RUN-018" in searched.fails(2, "search", text)


@pytest.mark.parametrize("text", ['"', "AND", "needle*", "x' OR 1 --", "NEAR(a b)", "trigrams_1", "^a", "-x"])
def test_what_means_something_to_a_database_is_text(searched: Recorded, text: str) -> None:
    done = searched.run("search", "--", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"no matches\n")


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "(x|x)*y", "(.*)(.*)(.*)(.*)z{50}", "(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_an_expression_that_others_hang_at_comes_to_an_end(acode: Acode, expression: str) -> None:
    acode.run("exec", "--", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' a")
    done = acode.run("search", f"re:/{expression}/", "-c")
    assert done.returncode == 0


def test_a_filter_that_is_not_understood_says_the_word(searched: Recorded) -> None:
    assert "'sttus'" in searched.fails(2, "search", "needle", "sttus:failed")


def test_recorded_text_cannot_drive_a_terminal_and_is_unchanged_when_piped(searched: Recorded) -> None:
    status, sent = on_terminal(searched, "search", "needle", "task:hostile")
    assert status == 0
    active = sent.replace(b"\x1b[1m", b"").replace(b"\x1b[2m", b"").replace(b"\x1b[31m", b"")
    active = active.replace(b"\x1b[32m", b"").replace(b"\x1b[0m", b"")
    assert b"\x1b" not in active
    assert b"\x07" not in active
    assert "\u202e".encode() not in active
    assert b"\x1b[31mneedle\x1b[0m" in sent
    piped = searched.ok("search", "needle", "task:hostile")
    assert piped.partition(":1:")[2] == HOSTILE.removesuffix("\r") + "\n"


def test_on_a_terminal_hits_stand_under_their_run(searched: Recorded) -> None:
    status, sent = on_terminal(searched, "search", "needle", "task:old,copy,same", columns=60)
    assert status == 0
    shown = [line for line in visible(sent) if line]
    assert shown[0].startswith("copy-")
    assert "success" in shown[0]
    assert shown[0].rstrip().endswith("cat copy.txt")
    assert shown[1:3] == [
        "  stdout.txt:1: shared line with a needle", "  stdout.txt: the same in 1 other run"
    ]  # fmt: skip
    assert shown[3].startswith("old-")
    assert shown[4:] == ["  stdout.txt:2: two needle", "  stdout.txt:5: five needle"]


def visible(sent: bytes) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", sent.decode()).replace("\r", "").split("\n")


@pytest.mark.parametrize("columns", [30, 40, 100])
def test_a_long_line_is_cut_around_the_match(acode: Acode, columns: int) -> None:
    acode.exec(
        "sh",
        "-c",
        "printf '%0500dneedle%0500d\\n' 0 0; printf 'needle%0500d\\n' 0; printf '%0500dneedle\\n' 0",
    )
    _, sent = on_terminal(acode, "search", "needle", columns=columns)
    shown = [line for line in visible(sent)[1:] if line]
    assert len(shown) == 3
    assert all("needle" in line and len(line) <= max(columns, 37) for line in shown)
    assert ("…0" in shown[0], "0…" in shown[0]) == (True, True)


def test_without_a_collector_what_was_not_indexed_is_afterwards(acode: Acode) -> None:
    acode.exec("seq", "1", "20000")
    acode.run("runs", "list")
    assert search_statistics(acode.workspace).texts == 0
    assert acode.run("search", "19999").stdout.endswith(b"/stdout.txt:19999:19999\n")
    assert search_statistics(acode.workspace).texts == 1
    assert acode.run("search", "19999").stdout.endswith(b"/stdout.txt:19999:19999\n")


def test_what_is_not_on_the_disk_any_more_is_passed_over(acode: Acode) -> None:
    acode.exec("echo", "needle one")
    acode.exec("echo", "needle two")
    acode.run("runs", "list")
    next(Path(acode.folders()[0]).glob("stdout.txt*")).unlink()
    done = acode.run("search", "needle")
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.parametrize("text", ["re:/line", "re:/", "re:/two words", "re:/a/x"])
def test_half_an_expression_is_refused_unless_it_is_meant_as_text(searched: Recorded, text: str) -> None:
    assert "no closing slash; quote it" in searched.fails(2, "search", text, "words/")
    assert "no closing slash" in searched.fails(2, "runs", "stdout", "--grep", text)
    assert searched.run("search", "-F", text).returncode == 0


def test_an_expression_with_an_i_ignores_case(searched: Recorded) -> None:
    found = searched.ok("search", "re:/two/")
    assert found
    assert searched.ok("search", "re:/TWO/i") == found
    assert "nothing to look for" in searched.fails(2, "search", "re://")


def test_what_may_be_left_out_is_not_said_to_be_required(searched: Recorded) -> None:
    assert "required: TEXT; see" in searched.fails(2, "search")
    assert "required: RUN; see" in searched.fails(2, "runs", "diff")
