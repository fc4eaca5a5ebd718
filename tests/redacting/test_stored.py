"""`runs.redact: store`: a secret that goes through every way there is, is nowhere in what is kept."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from collector.record.output_index import iter_output
from tests.agents_ingest.test_following import Claude
from tests.conftest import Acode, read_json, wait_for
from tests.redacting.canaries import files_with, github_token, private_key, word

LEAKS = r"""
import os, sys
token, key = os.environ["CANARY"], os.environ["CANARY_FILE"]
secret = os.environ["DEPLOY_TOKEN"]
for n in range(300):
    print("line", n, token, flush=n % 7 == 0)
print("password=" + secret, token[:9], end="", flush=True)
print(token[9:])
print(open(key).read(), file=sys.stderr)
print('{"status": "failed", "token": "%s"}' % token)
print("ERROR: cannot log in with " + token, file=sys.stderr)
os.makedirs("out-" + token, exist_ok=True)
for name in ("report.log", "out-" + token + "/x.log", token + ".log"):
    with open(name, "w") as target:
        target.write(("x " + token + " " + secret + "\n") * 3)
with open("junit-a.xml", "w") as target:
    target.write('<testsuite name="s" tests="1" failures="1"><testcase name="t" classname="c">'
                 '<failure message="got %s">at %s</failure></testcase></testsuite>' % (token, token))
sys.exit(3)
"""


class Storing(Acode):
    """acode in a workspace in which no secret may be stored, and secrets for it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.token = github_token()
        self.value = word(16)
        self.key = private_key()
        self.environ |= {"CANARY": self.token, "DEPLOY_TOKEN": self.value, "CANARY_FILE": str(root / "key")}
        (root / "key").write_text(self.key)
        (root / ".acode").mkdir()
        (root / ".acode/config.yml").write_text("runs: {redact: store, environment: [CANARY, CANARY_URL]}\n")
        self.environ["CANARY_URL"] = f"https://bob:{self.value}@example.test/"
        self.secrets = [self.token, self.value, *self.key.split("\n")[1:-1]]

    def leaks(self) -> list[str]:
        """Return where in the workspace's own folder a secret is."""
        return list(files_with(self.root / ".acode", self.secrets))


@pytest.fixture
def storing(tmp_path: Path) -> Storing:
    return Storing(tmp_path)


def test_a_command_s_secrets_reach_no_file_of_the_workspace(storing: Storing) -> None:
    folder = storing.root / f"in-{storing.token}"
    folder.mkdir()
    python = [sys.executable, "-I", "-S", "-c", LEAKS]
    done = storing.exec(*python, "--password", storing.value, storing.token)
    assert done.returncode == 3
    assert storing.token.encode() in done.stdout  # the caller sees what the command printed
    assert storing.exec("sh", "-c", f"echo {storing.token} >&2; exit 1", cwd=folder).returncode == 1
    storing.exec(f"no-such-{storing.token}")
    storing.run("artifacts", "collect", "--run-id", "@2", "--file", "key", "--name", f"{storing.token}.pem")
    assert storing.leaks() == []
    assert storing.run("search", "-F", "line 7").stdout.count(b"line 7") > 0
    assert storing.leaks() == []  # the index of texts holds what is stored
    records = storing.records()
    assert {record["status"] for record in records} == {"failure"}
    paths = {artifact["path"] for record in records for artifact in record["artifacts"]}
    assert {"report.log", "junit-a.xml", "test-results.json", "error.json", "logs.jsonl"} <= paths
    assert "[REDACTED:github-token].log" in paths


def test_what_was_redacted_is_counted(storing: Storing) -> None:
    storing.exec("sh", "-c", 'echo "$CANARY $CANARY"; echo "$DEPLOY_TOKEN" >&2')
    storing.run("runs", "list")
    by_path = {artifact["path"]: artifact for artifact in storing.record()["artifacts"]}
    assert by_path["stdout.txt"]["metadata"] == {"redacted": {"github-token": 2}}
    assert by_path["stderr.txt"]["metadata"] == {"redacted": {"known-value": 1}}
    assert not any(artifact["sensitive"] for artifact in by_path.values())


def test_the_output_is_the_streams_as_they_came_each_redacted(storing: Storing) -> None:
    pieces = "".join(
        f"os.write({1 + n % 2}, b'{n} {storing.token[: n % 20]} '); os.write(1, b'{storing.token} {n}\\n');"
        "os.write(2, b'!\\n');"
        for n in range(40)
    )
    storing.exec(sys.executable, "-I", "-S", "-c", f"import os;{pieces}")
    storing.run("runs", "list")
    folder = storing.folder()
    streams = {1: b"", 2: b""}
    for _, stream, data in iter_output(str(folder)):
        streams[stream] += data
    assert streams == {1: (folder / "stdout.txt").read_bytes(), 2: (folder / "stderr.txt").read_bytes()}
    entries = read_json(folder / "run.json")["artifacts"]
    assert [entry["size_bytes"] for entry in entries[:2]] == [len(streams[1]), len(streams[2])]
    together = storing.run("runs", "output", "@").stdout
    assert sorted(together.split(b"\n")) == sorted((streams[1] + streams[2]).split(b"\n"))
    assert storing.token[:20].encode() not in streams[1]


def test_a_recorder_that_is_killed_leaves_no_secret(storing: Storing) -> None:
    script = (
        "import os,time\nfor n in range(10**6): print(os.environ['CANARY'], flush=True); time.sleep(.001)"
    )
    started = storing.start("exec", "--", sys.executable, "-I", "-S", "-c", script)
    artifacts = Path(storing.workspace.artifacts)
    wait_for(lambda: any(path.stat().st_size > 2000 for path in artifacts.glob("*/stdout.txt")))
    started.send_signal(signal.SIGKILL)
    started.wait()
    for pipe in (started.stdout, started.stderr):
        if pipe:
            pipe.close()
    wait_for(lambda: "cancelled" in storing.run("runs", "list").stdout.decode())
    assert storing.leaks() == []
    assert b"[REDACTED:github-token]" in (storing.folder() / "stdout.txt").read_bytes()


def test_settings_that_are_not_understood_let_no_secret_pass(storing: Storing) -> None:
    (storing.root / ".acode/config.yml").write_text("runs: {redact: sotre}\n")
    done = storing.exec("sh", "-c", 'echo "$CANARY"')
    assert b"redacted" in done.stderr
    assert storing.leaks() == []


def test_a_pattern_of_one_s_own_is_redacted_and_a_broken_one_lets_the_others_work(storing: Storing) -> None:
    config = storing.root / ".acode/config.yml"
    config.write_text("runs: {redact: store, redactPatterns: {ticket: 'T-[0-9]{5}'}}\n")
    storing.exec("echo", "T-12345 T-1")
    assert storing.record()["arguments"] == ["[REDACTED:ticket] T-1"]
    config.write_text("runs: {redact: store, redactPatterns: {broken: '('}}\n")
    storing.exec("echo", storing.token)
    assert storing.leaks() == []


def test_an_agent_s_hooks_and_transcripts_are_redacted(storing: Storing) -> None:
    claude = Claude(storing)
    daemon = storing.start("collector", "run")
    try:
        wait_for(lambda: Path(storing.workspace.collector_pid).exists())
        claude.hook("SessionStart", source="startup")
        claude.hook("UserPromptSubmit", prompt=f"log in with {storing.token}")
        command = f"curl -H 'Authorization: Bearer {storing.token}' https://example.test"
        claude.asks("toolu_1", command)
        claude.hook("PreToolUse", tool_name="Bash", tool_input={"command": command}, tool_use_id="toolu_1")
        printed = f"hello {storing.token}\n{storing.key}"
        answer = {"stdout": printed, "stderr": "", "interrupted": False}
        claude.gets("toolu_1", printed)
        claude.hook(
            "PostToolUse", tool_name="Bash", tool_input={"command": command}, tool_response=answer,
            tool_use_id="toolu_1",
        )  # fmt: skip
        claude.hook("SessionEnd", reason="other")
        inbox = Path(storing.workspace.inbox)
        wait_for(lambda: storing.folders() and not list(inbox.glob("*.hook")))
        wait_for(lambda: '"ended"' in storing.run("sessions", "list", "--json").stdout.decode())
        wait_for(lambda: list((storing.root / ".acode/sessions").glob("*/transcripts/*.jsonl")))
    finally:
        daemon.terminate()
        daemon.communicate(timeout=10)
    assert storing.leaks() == []
    record = storing.record()
    assert "[REDACTED:" in record["command_line"]
    (copy,) = (storing.root / ".acode/sessions").glob("*/transcripts/*.jsonl")
    originals = claude.transcript.read_text().splitlines()
    lines = copy.read_text().splitlines()
    assert [json.loads(line)["uuid"] for line in lines] == [json.loads(line)["uuid"] for line in originals]


def test_an_import_of_transcripts_is_redacted(storing: Storing) -> None:
    claude = Claude(storing)
    claude.asks("toolu_1", f"deploy --token {storing.token}")
    claude.gets("toolu_1", f"{storing.value}\n" * 200 + storing.token, failed=True)
    claude.asks("toolu_2", f"echo {storing.value}")
    claude.gets("toolu_2", f"{storing.value}")
    moment = time.time() - 3600
    os.utime(claude.transcript, (moment, moment))
    done = storing.run("sessions", "import", str(claude.transcript))
    assert done.returncode == 0, done.stderr
    assert len(storing.folders()) == 2
    storing.run("runs", "list")
    assert storing.leaks() == []
