"""Real commands with and without acode: the same bytes, exit status and results.

    python -m campaigns.compare [NAME ...]

Each is run twice in a fresh folder, once bare and once through `acode exec`; what differs by nature (times,
temporary names) is taken out first. The names are those of `CASES`; some need the network or privileges
and are left out where they cannot work. `tests/scenarios` runs the quick ones.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
START = "from collector.__main__ import run; run()"
EXEC = [
    sys.executable, "-I", "-S", "-c",
    f"import sys; sys.path[:0] = {[str(PROJECT), *sys.path]!r}; {START}", "exec", "--",
]  # fmt: skip


class Outcome:
    """What a caller sees of a command: exit status and both streams (as digests), and its folder."""

    def __init__(self, status: int, stdout: bytes, stderr: bytes, tree: dict[str, str]) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.tree = tree

    def differences(self, other: Outcome) -> list[str]:
        """Name what is not the same."""
        return [
            f"{name}: {getattr(self, name)!r:.300} is not {getattr(other, name)!r:.300}"
            for name in ("status", "stdout", "stderr", "tree")
            if getattr(self, name) != getattr(other, name)
        ]


class Case:
    """A command, what it needs, and which parts of its output differ by nature."""

    def __init__(
        self, argv: list[str], *, setup: str = "", noise: str = "", big: bool = False, tree: bool = True
    ) -> None:
        self.argv = argv
        self.setup = setup
        self.noise = noise
        self.big = big
        self.tree = tree

    def run(self, prefix: list[str]) -> Outcome:
        """Run it in a fresh folder."""
        with tempfile.TemporaryDirectory(prefix="compare-") as name:
            folder = Path(name) / "work"
            folder.mkdir()
            environ = {
                **os.environ, "ACODE_WORKSPACE": f"{name}/recorded", "ACODE_COLLECTOR_AUTOSTART": "false",
                "HOME": name, "GIT_CONFIG_GLOBAL": os.devnull, "PYTHONHASHSEED": "0",
            }  # fmt: skip
            if self.setup:
                subprocess.run(["sh", "-ec", self.setup], cwd=folder, env=environ, check=True,
                               capture_output=True)  # fmt: skip
            if self.big:
                return self._run_big(prefix, folder, environ)
            done = subprocess.run(
                [*prefix, *self.argv], cwd=folder, env=environ, capture_output=True, timeout=900, check=False,
            )  # fmt: skip
            tree = digest_tree(folder) if self.tree else {}
            clean = self._clean
            return Outcome(done.returncode, clean(done.stdout, name), clean(done.stderr, name), tree)

    def _run_big(self, prefix: list[str], folder: Path, environ: dict[str, str]) -> Outcome:
        digest = hashlib.sha256()
        process = subprocess.Popen(
            [*prefix, *self.argv], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        while chunk := process.stdout.read(1 << 20):
            digest.update(chunk)
        return Outcome(process.wait(), digest.digest(), b"", {})

    def _clean(self, output: bytes, folder: str) -> bytes:
        text = output.replace(folder.encode(), b"FOLDER")
        return re.sub(self.noise.encode(), b"NOISE", text) if self.noise else text


def digest_tree(folder: Path) -> dict[str, str]:
    """Return a digest of every file that a command left, without what holds times by nature."""
    tree = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not any(part in name for part in (".git/", ".pyc", ".pytest_cache")):
            tree[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return tree


GIT_REPOSITORY = """
git init -q source && cd source && git config user.email a@b.c && git config user.name n
for i in 1 2 3 4 5 6 7 8 9; do echo $i > f$i; git add f$i; git commit -qm "commit $i"; done
"""
PYTEST_PROJECT = """
printf 'def test_a(): pass\\ndef test_b(): assert [1, 2] == [1, 3]\\n' > test_x.py
"""
TIMES = r"\d+(\.\d+)?s\b|\d+(\.\d+)? [kMG]i?B(/s)?|\d+(\.\d+)? (k|M)bytes/s"
PYTHON = sys.executable

CASES: dict[str, Case] = {
    "git clone": Case(["git", "clone", "source", "copy"], setup=GIT_REPOSITORY),
    "git log": Case(["git", "-C", "source", "log", "--format=%s"], setup=GIT_REPOSITORY),
    "git fails": Case(["git", "clone", "no-such-repository"]),
    "python loop": Case([PYTHON, "-uc", "for i in range(3000): print(i)"]),
    "python both streams": Case(
        [PYTHON, "-c", "import os\nfor i in range(999): os.write(1 + i % 2, b'%d\\n' % i)"]
    ),
    "python traceback": Case([PYTHON, "-c", "import json; json.loads('{')"]),
    "pytest": Case(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider"], setup=PYTEST_PROJECT, noise=TIMES
    ),
    "sh pipeline": Case(["sh", "-c", "seq 100000 | sort -R --random-source=/dev/zero | sha1sum; exit 9"]),
    "find": Case(["find", "/usr/share/doc", "-maxdepth", "1"]),
    "ls missing": Case(["ls", "--color=always", "/no/such/folder"]),
    "tar": Case(["sh", "-c", "tar cf - --exclude .git source | tar tf - | sort"], setup=GIT_REPOSITORY),
    "pip download": Case(
        [PYTHON, "-m", "pip", "download", "--no-deps", "-d", "d", "six==1.16.0"],
        noise=rf"{TIMES}|━+|WARNING.*\n",
    ),
    "apt-get update": Case(
        ["apt-get", "update"], noise=rf"(?m)(^(Get|Hit|Ign|Fetched).*\n)+|{TIMES}", tree=False,
    ),
    "1 GB stream": Case(["sh", "-c", "yes 0123456789abcdef | head -c 1073741824"], big=True),
    "own tests": Case(
        ["sh", "-c", f"cd {PROJECT} && {PYTHON} -m pytest -q -p no:cacheprovider tests/record tests/store"],
        noise=TIMES, tree=False,
    ),
}  # fmt: skip
QUICK = ("git clone", "git log", "git fails", "python loop", "python both streams", "python traceback",
         "pytest", "sh pipeline", "find", "ls missing", "tar")  # fmt: skip


def compare(name: str) -> list[str]:
    """Run a case both ways; return what differs."""
    return CASES[name].run([]).differences(CASES[name].run(EXEC))


def main() -> int:
    say: Callable[[str], object] = print
    failed = 0
    for name in sys.argv[1:] or CASES:
        if name == "apt-get update" and (os.getuid() or not shutil.which("apt-get")):
            say(f"left out  {name}: needs root and apt")
            continue
        differences = compare(name)
        failed += bool(differences)
        say(f"{'DIFFERS' if differences else 'the same'}  {name}")
        for difference in differences:
            say(f"          {difference}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
