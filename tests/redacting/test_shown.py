"""`runs.redact: display`: what is stored is as it came, what is shown or told to programs is masked."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import ACODE, Acode, wait_for
from tests.contracts.test_contracts import modules_of
from tests.redacting.canaries import files_with, github_token, private_key, word
from tests.terminal import Terminal

SCRIPT = """
import os, sys
print("start", os.environ["CANARY"])
print(open("key").read())
print("ERROR: no login for " + os.environ["CANARY"], file=sys.stderr)
print("known " + os.environ["DEPLOY_TOKEN"])
print('{"level": "error", "message": "%s"}' % os.environ["CANARY"])
open("trace.log", "w").write("a log with " + os.environ["CANARY"])
open("x-" + os.environ["CANARY"] + ".log", "w").write("x")
sys.exit(int(sys.argv[1]))
"""


class Showing(Acode):
    """acode in a workspace with two runs that hold secrets, and one that does not."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.token, self.value, self.key = github_token(), word(18), private_key(40)
        self.secrets = [self.token, self.value, *self.key.split("\n")[1:-1]]
        (root / "key").write_text(self.key)
        self.environ |= {"CANARY": self.token, "DEPLOY_TOKEN": self.value}
        python = [sys.executable, "-I", "-S", "-c", SCRIPT]
        for status in ("0", "1"):
            self.run("exec", "--", *python, status, self.token, "--password", self.value)
        self.run("exec", "--", "echo", "nothing", "to", "hide")
        self.run("runs", "list")
        del self.environ["DEPLOY_TOKEN"]  # whoever looks later does not know it

    def shown_on_terminal(self, *arguments: str) -> bytes:
        """Return what a command prints on a terminal."""
        terminal = Terminal([*ACODE, "--no-pager", *arguments], self.environ, str(self.root), 300, 120)
        terminal.finish()
        return terminal.output

    def seen(self, data: bytes) -> list[str]:
        """Return which secrets are in what was shown."""
        return [secret for secret in self.secrets if secret.encode() in data]


@pytest.fixture(scope="module")
def showing(tmp_path_factory: pytest.TempPathFactory) -> Showing:
    return Showing(tmp_path_factory.mktemp("showing"))


def test_what_is_stored_is_as_it_came(showing: Showing) -> None:
    assert len(list(files_with(showing.root / ".acode", [showing.token]))) > 4
    assert showing.token.encode() in showing.run("runs", "stdout", "@1").stdout
    assert showing.key.encode() in showing.run("artifacts", "cat", "@1", "stdout.txt").stdout


VERBS = (
    "runs list", "runs list --fields command_line,arguments", "runs show @1", "runs show @1 --preview",
    "runs show @1 --log-failed", "runs stdout @1", "runs stderr @1", "runs output @1", "runs follow @1",
    "runs output @1 --lines 20:25", "runs stdout @1 --grep known", "runs stdout @1 --tail 5",
    "runs stdout @1 -n --timestamps", "runs why @1", "runs diff @2 @1 --all-artifacts", "runs artifacts @1",
    "artifacts list @1", "artifacts show @1", "artifacts cat @1 trace.log", "artifacts cat @1 error.json",
    "artifacts preview-redaction @1", "runs stats --by command", "runs stats --flaky", "search -F login",
    "search -F start", "runs compare @2 @1", "runs cast @1",
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_shows_a_secret_on_a_terminal(showing: Showing, verb: str) -> None:
    output = showing.shown_on_terminal(*verb.split())
    assert len(output) > 20
    assert b"ACODE-" not in output
    assert showing.seen(output) == []


@pytest.mark.parametrize(
    "verb",
    [
        "runs list --json", "runs list --format jsonl", "runs list --format csv", "runs show @1 --json",
        "runs why @1 --json", "runs artifacts @1 --json", "runs diff @2 @1 --json", "search -F start --json",
        "runs stats --by command --json", "artifacts preview-redaction @1 --json", "runs stdout @1 --redact",
        "runs output @1 --redact --lines 3:9", "artifacts cat @1 trace.log --redact", "runs cast @1",
        "runs follow @1 --redact", "runs why @1", "runs show @1",
    ],
)  # fmt: skip
def test_records_for_programs_are_masked_like_what_is_shown(showing: Showing, verb: str) -> None:
    done = showing.run(*verb.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert showing.seen(done.stdout + done.stderr) == []


def test_artifacts_that_hold_secrets_are_flagged_and_others_are_not(showing: Showing) -> None:
    (plain, *others) = json.loads(showing.run("runs", "list", "--json").stdout)
    assert plain["summary"] == {"secrets": {}}
    assert not any(artifact["sensitive"] for artifact in plain["artifacts"])
    for record in others:
        flags = {artifact["type"]: artifact for artifact in record["artifacts"]}
        assert flags["stdout"]["sensitive"]
        assert flags["stdout"]["metadata"]["secrets"]["private-key"] == 1
        assert record["summary"]["secrets"]["github-token"] > 0


def test_line_numbers_sizes_and_json_stay_what_they_are(showing: Showing) -> None:
    plain = showing.run("runs", "stdout", "@1").stdout
    masked = showing.run("runs", "stdout", "@1", "--redact").stdout
    assert len(plain) == len(masked)
    assert plain.count(b"\n") == masked.count(b"\n")
    json.loads(showing.run("artifacts", "cat", "@1", "error.json", "--redact").stdout)


def test_no_redact_shows_secrets_and_is_written_down(showing: Showing) -> None:
    shown = showing.shown_on_terminal("runs", "stdout", "@1", "--no-redact")
    assert showing.token.encode() in shown
    lines = (showing.root / ".acode/audit.jsonl").read_text().splitlines()
    assert "redaction.off" in [json.loads(line)["action"] for line in lines]


def test_mode_never_shows_and_flags_nothing(tmp_path: Path) -> None:
    acode = Acode(tmp_path)
    acode.environ |= {"ACODE_RUNS_REDACT": "never"}
    token = github_token()
    acode.exec("echo", token)
    assert token in acode.run("runs", "list", "--json").stdout.decode()
    assert "secrets" not in acode.record()["summary"]


def test_a_run_that_goes_on_is_masked_as_well(acode: Acode) -> None:
    acode.environ["CANARY"] = token = github_token()
    script = "import os, time\nprint(os.environ['CANARY'], flush=True)\ntime.sleep(60)"
    started = acode.start("exec", "--", sys.executable, "-I", "-S", "-c", script, token)
    try:
        artifacts = Path(acode.workspace.artifacts)
        wait_for(lambda: any(path.stat().st_size for path in artifacts.glob("*/stdout.txt")))
        for verb in ("runs list --json", "runs show @ --json", "runs output @ --redact"):
            assert token.encode() not in acode.run(*verb.split()).stdout
        terminal = Terminal([*ACODE, "runs", "follow", "@"], acode.environ, str(acode.root), 300, 20)
        terminal.wait_for("REDACTED")
        assert token.encode() not in terminal.output
        os.kill(terminal.pid, 9)
    finally:
        started.kill()
        started.communicate()


def test_listing_loads_no_engine_where_nothing_was_found(acode: Acode) -> None:
    acode.exec("echo", "hello")
    acode.run("runs", "list")
    assert "re2" not in modules_of(acode, "runs", "list")
    assert "_re2" not in modules_of(acode, "runs", "list")


def test_recording_loads_the_engine_only_where_it_stores_masked(acode: Acode) -> None:
    assert not {"re2", "_re2", "re"} & modules_of(acode, "exec", "--", "true")
    acode.environ["ACODE_RUNS_REDACT"] = "store"
    assert "re2" in modules_of(acode, "exec", "--", "true")


def test_a_run_whose_command_was_not_stored_is_not_repeated(acode: Acode) -> None:
    acode.environ["ACODE_RUNS_REDACT"] = "store"
    acode.exec("echo", github_token())
    done = acode.run("runs", "rerun", "@")
    assert b"ACODE-RUN-030" in done.stderr
    del acode.environ["ACODE_RUNS_REDACT"]
    token = github_token()
    acode.exec("echo", token)
    assert token.encode() in acode.run("runs", "rerun", "@").stdout


def test_why_compares_runs_whose_command_lines_hold_a_secret(acode: Acode) -> None:
    token = github_token()
    script = "test -e worked && { echo broken; exit 1; }; touch worked; echo fine"
    for _ in range(2):
        acode.exec("sh", "-c", f"{script} # {token}")
    found = json.loads(acode.run("runs", "why", "@", "--json").stdout)
    assert found["compared_with"] is not None
    assert token not in json.dumps(found)


def test_preview_says_on_which_lines_what_is_found(acode: Acode) -> None:
    token = github_token()
    (acode.root / "some.txt").write_text(f"one\ntwo {token}\n{private_key(3)}\n")
    found = json.loads(acode.run("artifacts", "preview-redaction", "./some.txt", "--json").stdout)
    assert (found[0]["line"], found[0]["end_line"], found[0]["rule"]) == (2, 2, "github-token")
    assert found[1]["rule"] == "private-key"
    assert found[1]["end_line"] - found[1]["line"] >= 2
    counts = json.loads(acode.run("artifacts", "preview-redaction", "./some.txt", "--rules", "--json").stdout)
    assert counts == {"github-token": 1, "private-key": 1}
