"""What `acode exec` adds to a command, beside what others add; one run, round-robin, medians.

    python benchmarks/exec.py [--acode PATH] [--rounds 41]

Prints the wall time of each, then the ratios that docs/targets name. `script`, `asciinema` and `ts` are
left out where they are not installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ENVIRON = {k: v for k, v in os.environ.items() if not k.startswith("ACODE_") and not k.startswith("PYTHON")}


def wall_ms(argv: list[str], cwd: str) -> float:
    """Return the wall time of a command in milliseconds, its output thrown away."""
    begin = time.perf_counter()
    with open(os.devnull, "r+b") as null:  # noqa: PTH123
        pid = os.posix_spawnp(
            argv[0], argv, ENVIRON,
            file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), fd) for fd in (0, 1, 2)],
        )  # fmt: skip
        os.waitpid(pid, 0)
    return (time.perf_counter() - begin) * 1000


def bare_interpreter(acode: str) -> str:
    """Return the interpreter that an installed acode uses."""
    beside = os.path.join(os.path.dirname(os.path.realpath(acode)), "python3")  # noqa: PTH118, PTH120
    return beside if os.access(beside, os.X_OK) else sys.executable


def commands(acode: str) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    python = bare_interpreter(acode)
    found = {
        "true": ["/bin/true"],
        "sleep 0.05": ["sleep", "0.05"],
        "python -I -S -E -c pass": [python, "-I", "-S", "-E", "-c", "pass"],
        "python -c pass": [python, "-c", "pass"],
        "acode exec -- true": [acode, "exec", "--", "true"],
        "acode exec -- sleep 0.05": [acode, "exec", "--", "sleep", "0.05"],
    }
    others = {
        "script -qec true": ["script", "-qec", "true", "/dev/null"],
        "asciinema rec -c true": ["asciinema", "rec", "-q", "--overwrite", "-c", "true", "/dev/null"],
        "true | ts": ["sh", "-c", "true | ts"],
    }
    return found | {name: argv for name, argv in others.items() if shutil.which(argv[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acode", default=shutil.which("acode") or "acode")
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as workspace:
        ENVIRON.update(ACODE_WORKSPACE=workspace)
        subprocess.run([options.acode, "collector", "start"], env=ENVIRON, check=False, capture_output=True)
        measured = commands(options.acode)
        times: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(options.rounds):
            for name, argv in measured.items():
                times[name].append(wall_ms(argv, workspace))
        subprocess.run([options.acode, "collector", "stop"], env=ENVIRON, check=False, capture_output=True)
    median = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:28} median {median[name]:7.2f} ms   min {min(values):7.2f} ms")
    print()
    for name, base, goal in (
        ("acode exec -- true", "python -I -S -E -c pass", "1.5"),
        ("acode exec -- true", "script -qec true", "1.0"),
        ("acode exec -- true", "asciinema rec -c true", "0.125"),
        ("acode exec -- sleep 0.05", "sleep 0.05", "1.35"),
    ):
        if base in times:
            ratio = statistics.median(a / b for a, b in zip(times[name], times[base], strict=True))
            print(f"{name} / {base}: {ratio:.2f} (goal <= {goal})")


if __name__ == "__main__":
    main()
