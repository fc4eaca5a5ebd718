"""Secrets through every way there is, again and again with `runs.redact: store`; then every byte is searched.

    python -m campaigns.canary [--runs 500] [--seed 1] [--workspace DIR]

Each run has secrets of its own: a token, a private key, and a value that only its environment knows. They go
through both streams in pieces of random length, arguments, variables, the working directory, names and
contents of files, test results, files that are handed in, a recorder that is killed, and an agent's
transcript. Afterwards no file below `.acode`, compressed or not, database, write-ahead log and search index
included, and no answer of the command line may hold any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.redacting.canaries import files_with, github_token, private_key, word

START = "from collector.__main__ import run; run()"
SCRIPT = r"""
import os, random, sys, time
chance = random.Random(int(sys.argv[1]))
texts = [os.environ["CANARY"], os.environ["CANARY_KEY"], os.environ["JOB_SECRET"], "password=" + os.environ["JOB_SECRET"]]
data = "".join("line %d %s\n" % (n, chance.choice(texts)) for n in range(chance.randrange(200))).encode()
for fd in (1, 2):
    place = 0
    while place < len(data):
        size = chance.choice((1, 7, 50, 4000, 70000))
        os.write(fd, data[place : place + size])
        place += size
os.makedirs("made-" + texts[0], exist_ok=True)
for name in ("a.log", "made-" + texts[0] + "/b.log", texts[0] + ".log", "junit-x.xml"):
    with open(name, "w") as target:
        target.write('<testsuite name="s" tests="1"><testcase name="t"><failure message="%s">%s</failure></testcase>'
                     '</testsuite>' % (texts[0], texts[3]) if name.endswith("xml") else "\n".join(texts * 3))
time.sleep(float(sys.argv[2]))
sys.exit(chance.randrange(3))
"""  # noqa: E501


class Campaign:
    """One workspace, and all secrets that went through it."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)  # noqa: S311, RUF100 - repeatable, not secret
        self.secrets: list[str] = []
        (root / ".acode").mkdir(exist_ok=True)
        (root / ".acode/config.yml").write_text("runs: {redact: store, environment: [CANARY, JOB_SECRET]}\n")

    def command(self, *arguments: str) -> list[str]:
        """Return the words that start acode."""
        paths = [str(Path(__file__).resolve().parent.parent), *sys.path]
        code = f"import sys; sys.path[:0] = {paths!r}; {START}"
        return [sys.executable, "-I", "-S", "-c", code, *arguments]

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of acode."""
        return {
            **os.environ, "ACODE_WORKSPACE": str(self.root), "ACODE_COLLECTOR_AUTOSTART": "false",
            "HOME": str(self.root / "home"), **more,
        }  # fmt: skip

    def run(self, number: int) -> None:
        """Let secrets go through one run, sealed by a process that knows its environment."""
        token, value, key = github_token(), word(16), private_key(self.random.randrange(3, 40))
        self.secrets += [token, value, *key.split("\n")[1:-1]]
        environ = self.environ(CANARY=token, CANARY_KEY=key, JOB_SECRET=value)
        folder = self.root / f"in-{token}" if number % 5 == 0 else self.root / f"work-{number}"
        folder.mkdir(exist_ok=True)
        killed = number % 7 == 3
        words = [
            "exec",
            "--tag",
            f"token={token}",
            "--",
            sys.executable,
            "-I",
            "-S",
            "-c",
            SCRIPT,
            str(number),
        ]
        process = subprocess.Popen(
            self.command(*words, "5" if killed else "0", "--password", value, token), env=environ, cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        if killed:
            time.sleep(self.random.random() / 2 + 0.1)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        (folder / "given.txt").write_text(f"{token}\n{value}\n{key}\n")
        if number % 3 == 0:
            self.call(
                environ, "artifacts", "collect", "--file", str(folder / "given.txt"), "--name", f"{token}.txt"
            )
        if number % 4 == 0:
            self.import_transcript(number, environ, (token, value, key))
        self.call(environ, "runs", "list")

    def import_transcript(self, number: int, environ: dict[str, str], secrets: tuple[str, str, str]) -> None:
        """Import a conversation in which an agent ran commands with the secrets."""
        token, value, key = secrets
        session = f"{number:08}-2222-4333-8444-555555555555"
        common = {"sessionId": session, "cwd": str(self.root), "version": "2.1.0", "parentUuid": None}
        call = {
            "type": "tool_use",
            "id": f"c{number}",
            "name": "Bash",
            "input": {"command": f"x --token {token}"},
        }
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": f"{value}\n{key}\n{token}"}
        lines = [
            {**common, "type": "user", "uuid": "u1", "timestamp": "2026-03-01T10:00:00.000Z",
             "message": {"role": "user", "content": f"log in with {token}"}},
            {**common, "type": "assistant", "uuid": "u2", "timestamp": "2026-03-01T10:00:01.000Z",
             "message": {"id": f"m{number}", "role": "assistant", "model": "m", "content": [call]}},
            {**common, "type": "user", "uuid": "u3", "timestamp": "2026-03-01T10:00:02.000Z",
             "message": {"role": "user", "content": [result]},
             "toolUseResult": {"stdout": f"{value}\n{key}\n{token}", "stderr": "", "interrupted": False}},
        ]  # fmt: skip
        folder = self.root / "home/.claude/projects/x"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{session}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.utime(path, (time.time() - 3600,) * 2)
        self.call(environ, "sessions", "import", str(path))

    def call(self, environ: dict[str, str], *arguments: str) -> bytes:
        """Run a verb; return what it prints."""
        done = subprocess.run(
            self.command(*arguments), env=environ, cwd=self.root, capture_output=True, check=False
        )
        return done.stdout + done.stderr

    def leaks(self) -> list[str]:
        """Return where a secret is, or a part of a value nobody would know."""
        found = list(files_with(self.root / ".acode", self.secrets))
        plain = self.environ()
        for verb in ("runs list --json --limit 0", "sessions list --json", "runs stats --by command --json"):
            shown = self.call(plain, *verb.split())
            found += [f"a secret in acode {verb}" for secret in self.secrets if secret.encode() in shown]
        return found


def main() -> int:
    """Run the campaign; 1 when anything leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workspace", type=Path)
    options = parser.parse_args()
    root = options.workspace or Path(tempfile.mkdtemp(prefix="acode-canary-"))
    campaign = Campaign(root, options.seed)
    for number in range(options.runs):
        campaign.run(number)
    files = sum(1 for path in (root / ".acode").rglob("*") if path.is_file())
    leaks = campaign.leaks()
    print(f"{options.runs} runs, {len(campaign.secrets)} secrets, {files} files: {len(leaks)} leaks")
    print("\n".join(leaks[:50]))
    return int(bool(leaks))


if __name__ == "__main__":
    sys.exit(main())
