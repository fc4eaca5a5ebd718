"""How fast secrets are looked for, and how often something ordinary is taken for one.

    python benchmarks/redaction.py [--logs FOLDER] [--megabytes 16]

FOLDER holds logs that hold no secrets: builds, package managers, tests, `git log`, hashes, base64. Without
it lines like theirs are made. The first megabyte is measured apart: then patterns are still being built.
Beside it: Python's `re` with the same formats, and detect-secrets where it is installed.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from collector.redaction import StreamRedactor, build_rules, find_secrets
from collector.redaction.providers import FORMATS

CHUNK = 64 << 10
FIRST = """
import sys, time
from collector.redaction import StreamRedactor, build_rules
data = open(sys.argv[1], "rb").read(1 << 20)
begin = time.process_time()
redactor = StreamRedactor(build_rules())
for start in range(0, len(data), 65536):
    redactor.feed(data[start : start + 65536])
redactor.finish()
print(len(data) / 1e6 / (time.process_time() - begin))
"""


def made_log(size: int) -> bytes:
    """Return lines as builds, tests and services write them, without secrets."""
    chosen = random.Random(6)
    makers: list[Callable[[], str]] = [
        lambda: f"[{chosen.randrange(99)}/99] Building object core/token_{chosen.randrange(999)}.o",
        lambda: f"tests/test_auth.py::test_password_{chosen.randrange(999)} PASSED",
        lambda: f"10:00:00 INFO id={uuid.UUID(bytes=chosen.randbytes(16))} took {chosen.randrange(99)} ms",
        lambda: f"{chosen.randbytes(32).hex()}  dist/assets/index-{chosen.randbytes(4).hex()}.js",
        lambda: base64.b64encode(chosen.randbytes(57)).decode(),
        lambda: f"npm http fetch GET 200 /-/pkg-{chosen.randrange(99)}.{chosen.randrange(9)}.tgz (cache hit)",
        lambda: f"Downloading wheel-{chosen.randrange(9)}.{chosen.randrange(9)}-py3-none-any.whl (7.8 MB)",
    ]
    lines: list[bytes] = []
    length = 0
    while length < size:
        lines.append(chosen.choice(makers)().encode() + b"\n")
        length += len(lines[-1])
    return b"".join(lines)


def logs(folder: Path | None, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents."""
    if folder is None:
        yield "made", made_log(size)
        return
    for path in sorted(folder.glob("*.log")):
        with path.open("rb") as file:
            yield path.name, file.read(size)


def redacted_per_second(data: bytes) -> float:
    """Return megabytes in a second of CPU time."""
    begin = time.process_time()
    redactor = StreamRedactor(build_rules())
    for start in range(0, len(data), CHUNK):
        redactor.feed(data[start : start + CHUNK])
    redactor.finish()
    return len(data) / 1e6 / (time.process_time() - begin)


def first_megabyte(data: bytes) -> float:
    """Return megabytes in a second for the first one in a new process, with the building of patterns."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data[: 1 << 20])
        file.flush()
        argv = [sys.executable, "-c", FIRST, file.name]
        root = Path(__file__).resolve().parent.parent
        return float(subprocess.run(argv, check=True, capture_output=True, cwd=root).stdout)


def with_python_re(data: bytes) -> float:
    """Return megabytes in a second of CPU time with the formats alone, one after the other."""
    patterns = [re.compile(rule.pattern) for rule in FORMATS]
    begin = time.process_time()
    for pattern in patterns:
        for _ in pattern.finditer(data):
            pass
    return len(data) / 1e6 / (time.process_time() - begin)


def with_detect_secrets(data: bytes) -> float | None:
    """Return megabytes in a second of CPU time; None where detect-secrets is not installed."""
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(data)
        file.flush()
        script = (
            "import sys, time; from detect_secrets import SecretsCollection; "
            "from detect_secrets.settings import default_settings\n"
            "with default_settings():\n b = time.process_time(); SecretsCollection().scan_file(sys.argv[1]);"
            " print(time.process_time() - b)"
        )
        done = subprocess.run([sys.executable, "-c", script, file.name], capture_output=True, check=False)
        return None if done.returncode else len(data) / 1e6 / float(done.stdout)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--megabytes", type=int, default=16)
    arguments = parser.parse_args()
    rules, total, found_in_all = build_rules(), 0, 0
    print(f"{'log':20} {'MB':>6} {'first MB/s':>10} {'MB/s':>6} {'found':>6}")
    sample = b""
    for name, data in logs(arguments.logs, arguments.megabytes << 20):
        sample = sample or data[:1_000_000]
        found = len(find_secrets(data, rules))
        total, found_in_all = total + len(data), found_in_all + found
        first = first_megabyte(data) if len(data) > 500_000 else 0.0
        print(f"{name:20} {len(data) / 1e6:6.1f} {first:10.1f} {redacted_per_second(data):6.1f} {found:6}")
    print(f"all: {total / 1e6:.0f} MB, {found_in_all / total * 1e7:.2f} findings in 10 MB")
    print(f"Python's re, formats only: {with_python_re(sample):.2f} MB/s")
    other = with_detect_secrets(sample[:100_000])
    print("detect-secrets:", "not installed" if other is None else f"{other:.3f} MB/s")


if __name__ == "__main__":
    main()
