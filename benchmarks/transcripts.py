"""How fast transcripts are imported, in how much memory: a generated one of any size, or real ones.

    python benchmarks/transcripts.py [--megabytes 100] [PATH ...]

Each import runs in a process of its own into an empty workspace. The copy of the bytes that is kept, the
run folders and the database are part of it. With `claude-code-log` installed it converts the same file
beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
IMPORT = (
    f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; from collector.__main__ import run; run()"
)
WORDS = (
    "the", "test", "of", "a", "module", "failed", "because", "its", "input", "was", "not", "what", "the",
    "parser", "had", "expected", "here",
)  # fmt: skip


def generate(path: Path, megabytes: float) -> None:
    """Write a transcript of Claude Code's shape: prompts, thoughts, commands, edits, progress, results."""
    session = "00000000-0000-4000-8000-000000000001"
    common = {"sessionId": session, "cwd": "/home/dev/app", "version": "2.1.39", "gitBranch": "main"}
    number = 0
    with path.open("w") as target:
        while target.tell() < megabytes * 1e6:
            number += 1
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1_768_919_535 + number * 3))
            usage = {"input_tokens": 3, "output_tokens": number % 900, "cache_read_input_tokens": 17_842}
            text = " ".join(WORDS[(number + i) % len(WORDS)] for i in range(120))
            blocks: list[dict[str, object]] = [{"type": "thinking", "thinking": text}]
            if number % 4 == 0:
                blocks.append({
                    "type": "tool_use", "id": f"toolu_{number}", "name": "Edit",
                    "input": {"file_path": "/app/a.py", "old_string": text, "new_string": text[::-1]},
                })  # fmt: skip
            else:
                blocks.append({
                    "type": "tool_use", "id": f"toolu_{number}", "name": "Bash",
                    "input": {"command": f"pytest -q tests/test_{number}.py 2>&1 | tail -{number % 90}"},
                })  # fmt: skip
            for part, block in enumerate(blocks):
                message = {
                    "id": f"msg_{number}", "role": "assistant", "model": "big", "content": [block],
                    "usage": usage,
                }  # fmt: skip
                line = {
                    **common, "type": "assistant", "uuid": f"a{number}-{part}", "timestamp": stamp,
                    "requestId": f"req_{number}", "message": message,
                }  # fmt: skip
                target.write(json.dumps(line) + "\n")
            for part in range(4):
                line = {**common, "type": "progress", "uuid": f"p{number}-{part}", "data": {"output": text}}
                target.write(json.dumps(line) + "\n")
            result = "\n".join([text] * (number % 40))
            failed = number % 5 == 0
            shown = f"Exit code 1\n{result}" if failed else result
            block = {
                "type": "tool_result", "tool_use_id": f"toolu_{number}", "content": shown, "is_error": failed,
            }  # fmt: skip
            line = {
                **common, "type": "user", "uuid": f"u{number}", "timestamp": stamp,
                "message": {"role": "user", "content": [block]},
                "toolUseResult": f"Error: {shown}" if failed else {"stdout": result, "stderr": ""},
            }  # fmt: skip
            target.write(json.dumps(line) + "\n")


def run(argv: list[str], cwd: Path) -> tuple[float, float]:
    """Run a command to its end; return seconds and megabytes of memory at most."""
    environ = {**os.environ, "HOME": str(cwd), "ACODE_COLLECTOR_AUTOSTART": "false"}
    environ.pop("ACODE_WORKSPACE", None)
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=cwd, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    if status:
        raise SystemExit(f"{argv[0]} failed: {status}")
    return took, usage.ru_maxrss / 1024


def measure(path: Path) -> None:
    size = path.stat().st_size / 1e6
    folder = Path(tempfile.mkdtemp(prefix="acode-transcripts-"))
    acode = [sys.executable, "-I", "-S", "-c", IMPORT, "--workspace", str(folder)]
    try:
        took, memory = run([*acode, "sessions", "import", "--agent", "claude-code", str(path)], folder)
        print(
            f"{path.name}: {size:.1f} MB in {took:.2f} s = {size / took:.1f} MB/s, {memory:.0f} MB of memory"
        )
        again, _ = run([*acode, "sessions", "import", "--again", "--agent", "claude-code", str(path)], folder)
        runs = sum(1 for p in (folder / ".acode/artifacts").iterdir() if not p.is_symlink())
        print(f"  {runs} runs; read again: {again:.2f} s")
        peer = shutil.which("claude-code-log")
        if peer:
            copy = folder / "peer" / path.name
            copy.parent.mkdir()
            shutil.copyfile(path, copy)
            other, other_memory = run([peer, str(copy)], copy.parent)
            print(f"  claude-code-log: {other:.2f} s, {other_memory:.0f} MB; acode takes {took / other:.2f}")
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=100)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in options.paths:
        measure(path)
    if not options.paths:
        with tempfile.TemporaryDirectory(prefix="acode-transcripts-") as folder:
            path = Path(folder) / "00000000-0000-4000-8000-000000000001.jsonl"
            generate(path, options.megabytes)
            measure(path)


if __name__ == "__main__":
    main()
