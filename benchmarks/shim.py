"""What acode's shim adds to a command of a coding agent; one run, round-robin, medians.

    python benchmarks/shim.py [--shim PATH] [--rounds 100]

Each row is the wall time of what Claude Code starts for one command: the shell with its line, without the
shim and through it, with both streams in one file as there. Lines that are no commands (hooks, servers)
are passed on. The shim should be an installed one: that of a checkout starts the interpreter with `site`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

COMMAND = (
    "source /nowhere/snapshot-bash-1-x.sh 2>/dev/null || true "
    "&& { shopt -u extglob; } >/dev/null 2>&1 || true && eval 'true' < /dev/null && pwd -P >| cwd"
)
HOOK = "cat > /dev/null"


def wall_ms(argv: list[str], folder: Path, environ: dict[str, str]) -> float:
    """Return the wall time of a program in milliseconds."""
    with (folder / "output").open("wb") as output:
        begin = time.perf_counter()
        subprocess.run(
            argv, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True
        )
        return (time.perf_counter() - begin) * 1000


def programs(shim: str) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    found = {
        "bash -c COMMAND": ["/bin/bash", "-c", COMMAND],
        "acode-shim COMMAND": [shim, COMMAND],
        "sh -c HOOK": ["/bin/sh", "-c", HOOK],
        "acode-shim HOOK": [shim, HOOK],
    }
    python = Path(shim).parent / "python3"
    if python.exists():
        found["python3 -I -S -c pass"] = [str(python), "-I", "-S", "-c", "pass"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shim", default=shutil.which("acode-shim") or "bin/acode-shim")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    shim = str(Path(options.shim).absolute())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environ = {"PATH": os.environ["PATH"], "HOME": name, "SHELL": "/bin/bash", "ACODE_WORKSPACE": name}
        acode = str(Path(shim).with_name("acode"))
        subprocess.run([acode, "collector", "start"], env=environ, check=False, capture_output=True)
        measured = programs(shim)
        times: dict[str, list[float]] = {key: [] for key in measured}
        for number in range(options.rounds + 2):
            for key, argv in measured.items():
                took = wall_ms(argv, folder, environ)
                if number >= 2:
                    times[key].append(took)
        recorded = len(list((folder / ".acode" / "artifacts").glob("*-*/run.json")))
        subprocess.run([acode, "collector", "stop"], env=environ, check=False, capture_output=True)
    if recorded != options.rounds + 2:
        raise SystemExit(f"only {recorded} of {options.rounds + 2} commands were recorded")
    for key, values in times.items():
        print(f"{key:24} median {statistics.median(values):7.2f} ms   min {min(values):7.2f} ms")
    print()
    for key, base in (("acode-shim COMMAND", "bash -c COMMAND"), ("acode-shim HOOK", "sh -c HOOK")):
        added = statistics.median(a - b for a, b in zip(times[key], times[base], strict=True))
        print(f"{key} adds {added:.2f} ms")


if __name__ == "__main__":
    main()
