"""What acode adds to a coding agent, beside what anything would; one run, round-robin, medians.

    python benchmarks/agents.py [--hook PATH] [--rounds 100]

An agent waits for its hooks: so each row is the wall time from starting a program with 2 KB of JSON on its
stdin, as an agent does, until it has ended and its pipes are closed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAYLOAD = json.dumps(
    {
        "session_id": "0" * 36,
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "npm test"},
        "tool_response": {"stdout": "x" * 1700, "stderr": ""},
    }
).encode()
SCRIPT = Path(__file__).resolve().parent.parent / "bin" / "acode-hook"


def wall_ms(argv: list[str], cwd: str, environ: dict[str, str]) -> float:
    """Return how long an agent waits for a hook, in milliseconds."""
    begin = time.perf_counter()
    subprocess.run(argv, input=PAYLOAD, cwd=cwd, env=environ, check=True, capture_output=True)
    return (time.perf_counter() - begin) * 1000


def hooks(hook: str) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    python = shutil.which("python3") or sys.executable
    return {
        "sh -c :": ["/bin/sh", "-c", ":"],
        "sh -c 'cat > file'": ["/bin/sh", "-c", "cat > payload"],
        "python3 -I -S -c pass": [sys.executable, "-I", "-S", "-c", "pass"],
        "python3 -c pass": [os.path.realpath(python), "-c", "pass"],
        "acode-hook": [hook, "claude-code", "PostToolUse"],
        "acode-hook through a shell": ["/bin/sh", "-c", f"'{hook}' codex PostToolUse"],
    }


def measure(programs: dict[str, list[str]], folder: str, rounds: int) -> dict[str, list[float]]:
    """Return the times of each program; the collector seems to run, as it does after the first event."""
    workspace = Path(folder, ".acode")
    (workspace / "inbox").mkdir(parents=True)
    (workspace / "collector.pid").write_text(f"{os.getpid()} 1 - 0 x\n")
    kept = ("PATH", "LANG")
    environ = {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": folder}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 2):
        for name, argv in programs.items():
            took = wall_ms(argv, folder, environ)
            if number >= 2:
                times[name].append(took)
    arrived = len(list((workspace / "inbox").iterdir()))
    if arrived != 2 * (rounds + 2):
        raise SystemExit(f"only {arrived} of {2 * (rounds + 2)} events arrived")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hook", default=str(SCRIPT))
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = measure(hooks(options.hook), folder, options.rounds)
    for name, values in times.items():
        print(f"{name:28} median {statistics.median(values):6.2f} ms   min {min(values):6.2f} ms")
    print()
    for name, base, goal in (
        ("acode-hook", "sh -c :", None),
        ("acode-hook", "python3 -I -S -c pass", "1.0"),
        ("acode-hook", "python3 -c pass", "1.0"),
    ):
        ratio = statistics.median(a / b for a, b in zip(times[name], times[base], strict=True))
        print(f"{name} / {base}: {ratio:.2f}" + (f" (goal <= {goal})" if goal else ""))


if __name__ == "__main__":
    main()
