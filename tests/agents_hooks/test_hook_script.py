"""bin/acode-hook in every shell there is: what agents say arrives whole, and agents notice nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from collector.agents.inbox import iter_letters
from collector.clock import is_process_alive, process_start_ticks
from collector.workspace import Workspace, find_root
from tests.conftest import ACODE, PROJECT, wait_for

SCRIPT = PROJECT / "bin" / "acode-hook"
SHELLS = {
    name: command
    for name, command in {
        "sh": ["/bin/sh"],
        "dash": ["dash"],
        "bash": ["bash", "--posix"],
        "busybox": ["busybox", "sh"],
    }.items()
    if shutil.which(command[0])
}
AS_ROOT = os.geteuid() == 0
PAYLOADS = {
    "nothing": b"",
    "small": b'{"hook_event_name": "PreToolUse"}',
    "lines": b'{\n"a": "\\n"\n}\n\n',
    "zeros": b'{"a": "\0\0"}\0',
    "bytes": bytes(range(256)) * 100,
    "huge": b'{"a": "' + b"x" * 10_000_000 + b'"}',
    "shell": b'{"a": "$(touch owned) `touch owned` ${HOME} \\\\ \' "}',
}


class Hook:
    """A workspace whose collector seems to run, and the script with a small environment."""

    def __init__(self, folder: Path, shell: list[str], script: Path = SCRIPT) -> None:
        self.root = folder / "workspace"
        self.root.mkdir(exist_ok=True)
        self.acode = self.root / ".acode"
        self.inbox = self.acode / "inbox"
        self.command = [*shell, str(script)]
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}

    def named(self) -> Hook:
        """Name the workspace: it may have to be made, and the tests may lie in one."""
        self.environ["ACODE_WORKSPACE"] = str(self.root)
        return self

    def quiet(self) -> Hook:
        """Make the workspace and say that its collector runs: this very process."""
        self.acode.mkdir(exist_ok=True)
        (self.acode / "collector.pid").write_text(f"{os.getpid()} 1 - 0 x\n")
        return self

    def run(self, *arguments: str, payload: bytes = b"{}", **options: Any) -> None:
        """Call it as an agent does; it must say nothing and succeed."""
        command = [*options.pop("before", ()), *self.command, *(arguments or ("codex", "PreToolUse"))]
        if "stdin" not in options:
            options["input"] = payload
        options = {"env": self.environ, "cwd": self.root, **options}
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, **options)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def files(self) -> list[Path]:
        """Return what is in the inbox."""
        return sorted(self.inbox.iterdir()) if self.inbox.is_dir() else []

    def only(self) -> tuple[bytes, bytes]:
        """Return the first line and the rest of the only file."""
        (file,) = self.files()
        first, _, rest = file.read_bytes().partition(b"\n")
        return first, rest


@pytest.fixture
def hook(tmp_path: Path, shell: list[str]) -> Hook:
    return Hook(tmp_path, shell).quiet()


@pytest.fixture(params=list(SHELLS.values()), ids=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param
    return command


@pytest.fixture
def one(tmp_path: Path) -> Hook:
    """In the system's own shell, as agents call it."""
    return Hook(tmp_path, []).quiet()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_arrives_as_it_was_sent(hook: Hook, payload: bytes) -> None:
    hook.run("codex", "PreToolUse", payload=payload)
    assert hook.only() == (b"acode-hook 1 - -", payload)
    assert hook.files()[0].name.endswith(".codex.hook")
    assert stat.S_IMODE(hook.files()[0].stat().st_mode) == 0o600
    assert not (hook.root / "owned").exists()


def test_the_reader_of_the_inbox_takes_it(one: Hook) -> None:
    one.environ |= {"ACODE_SESSION_ID": "s-1", "ACODE_INSTANCE_ID": "i-2"}
    one.run("claude-code", "Stop", payload=b'{"session_id": "x"}')
    (letter,) = iter_letters(str(one.inbox))
    assert (letter.agent, letter.kind, letter.head) == ("claude-code", "hook", ("s-1", "i-2"))
    assert letter.payload == {"session_id": "x"}


@pytest.mark.parametrize(
    ("session", "instance", "line"),
    [
        (None, None, b"acode-hook 1 - -"),
        ("", "", b"acode-hook 1 - -"),
        ("s", "i", b"acode-hook 1 s i"),
        (" a\tb\nc\r ", "\n", b"acode-hook 1 _a_b_c__ _"),
        ("%s\\n$(id)*", "-n", b"acode-hook 1 %s\\n$(id)* -n"),
        ("ä😀" * 100, "x" * 100_000, f"acode-hook 1 {'ä😀' * 100} {'x' * 100_000}".encode()),
    ],
)
def test_session_and_instance_are_words_of_the_first_line(
    hook: Hook, session: str | None, instance: str | None, line: bytes
) -> None:
    given = {"ACODE_SESSION_ID": session, "ACODE_INSTANCE_ID": instance}
    hook.environ |= {name: value for name, value in given.items() if value is not None}
    hook.run()
    assert hook.only() == (line, b"{}")


def test_parallel_hooks_lose_nothing(hook: Hook) -> None:
    payloads = [json.dumps({"n": n, "x": "y" * n * 999}).encode() for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda payload: hook.run(payload=payload), payloads))
    arrived = [file.read_bytes().partition(b"\n")[2] for file in hook.files()]
    assert sorted(arrived) == sorted(payloads)


def beside(folder: Path, acode: str) -> Path:
    """Return a copy of the script that has another program called acode beside it."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name, content in (("acode", f"#!/bin/sh\n{acode}\n"), ("acode-hook", SCRIPT.read_text())):
        (bin_folder / name).write_text(content)
        (bin_folder / name).chmod(0o755)
    return bin_folder / "acode-hook"


def test_parallel_hooks_make_the_inbox_once(tmp_path: Path) -> None:
    hook = Hook(tmp_path, [], beside(tmp_path, "exit 0")).named()
    payloads = [b"%d" % n for n in range(30)]
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda payload: hook.run(payload=payload), payloads))
    assert sorted(file.read_bytes().partition(b"\n")[2] for file in hook.files()) == sorted(payloads)
    assert (hook.acode / ".gitignore").read_bytes() == gitignore(tmp_path)


def gitignore(folder: Path) -> bytes:
    """Return the .gitignore that a recorder writes."""
    workspace = Workspace(str(folder / "another"))
    workspace.create()
    return Path(workspace.folder, ".gitignore").read_bytes()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_what_it_makes_is_what_a_recorder_makes(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        hook = Hook(tmp_path, [], beside(tmp_path, "exit 0")).named()
        hook.run()
        workspace = Workspace(str(tmp_path / "another"))
        workspace.create()
    finally:
        os.umask(before)
    for name in ("", ".gitignore"):
        ours, theirs = hook.acode / name, Path(workspace.folder, name)
        assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(theirs.stat().st_mode) & ~0o022
    assert hook.inbox.stat().st_mode == hook.acode.stat().st_mode
    assert stat.S_IMODE(hook.files()[0].stat().st_mode) == 0o600
    assert (hook.acode / ".gitignore").read_bytes() == Path(workspace.folder, ".gitignore").read_bytes()


def test_it_can_be_switched_off(hook: Hook) -> None:
    hook.environ["ACODE_HOOKS"] = "off"
    hook.run()
    assert hook.files() == []
    hook.environ["ACODE_HOOKS"] = "on"
    hook.run()
    assert len(hook.files()) == 1


def test_nothing_but_a_path_in_the_environment_is_needed(hook: Hook) -> None:
    hook.environ = {"PATH": hook.environ["PATH"]}
    hook.run()
    assert hook.only() == (b"acode-hook 1 - -", b"{}")


def test_of_all_programs_it_needs_cat_alone(hook: Hook, tmp_path: Path) -> None:
    hook.inbox.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "cat").symlink_to(shutil.which("cat") or "/bin/cat")
    hook.command[0] = shutil.which(hook.command[0]) or hook.command[0]
    hook.environ["PATH"] = str(programs)
    hook.run()
    assert hook.only() == (b"acode-hook 1 - -", b"{}")


def test_an_event_costs_two_programs(one: Hook, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    one.inbox.mkdir()
    trace = tmp_path / "trace"
    one.run(before=["strace", "-f", "-qq", "-e", "trace=execve", "-e", "status=successful", "-o", str(trace)])
    assert trace.read_text().count("execve(") == 2
    assert trace.read_text().count("/cat") == 1


def test_a_shell_without_cat_writes_nothing(hook: Hook, tmp_path: Path) -> None:
    hook.command[0] = shutil.which(hook.command[0]) or hook.command[0]
    hook.environ["PATH"] = str(tmp_path / "nothing")
    if "busybox" in hook.command[0]:
        pytest.skip("this shell has its own")
    hook.run()
    assert hook.files() == []


def test_a_closed_stdin_leaves_nothing(hook: Hook) -> None:
    hook.run(before=["sh", "-c", 'exec "$@" <&-', "sh"], stdin=subprocess.DEVNULL)
    assert hook.files() == []


def test_closed_streams_do_no_harm(hook: Hook) -> None:
    hook.run(before=["sh", "-c", 'exec "$@" >&- 2>&-', "sh"])
    assert hook.only() == (b"acode-hook 1 - -", b"{}")


@pytest.mark.parametrize(
    "agent", ["../../owned", "a/b", "$(touch owned)", "a b", "", "-", "*", "A", "ä", "a.b"]
)
def test_a_strange_agent_is_no_agent(hook: Hook, agent: str) -> None:
    hook.run(agent, "PreToolUse", payload=b"x" * 1_000_000)
    found = [file.name.split(".")[1] for file in hook.files()]
    assert found in ([], ["-"])
    assert not (hook.root / "owned").exists()


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "link of .acode", ".acode is a file"])
def test_nothing_is_written_where_the_inbox_is_none(hook: Hook, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    if kind == "file":
        hook.inbox.write_text("")
    elif kind in ("link", "dangling"):
        hook.inbox.symlink_to(target if kind == "link" else tmp_path / "gone")
    else:
        shutil.rmtree(hook.acode)
        if kind == "link of .acode":
            (target / "inbox").mkdir()
            hook.acode.symlink_to(target)
        else:
            hook.acode.write_text("")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    hook.environ["ACODE_WORKSPACE"] = str(hook.root)
    hook.run(payload=b"x" * 1_000_000)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("where", ["root", ".acode", "inbox"])
def test_a_read_only_folder_is_none_of_the_agent_s_business(hook: Hook, where: str) -> None:
    if AS_ROOT and not shutil.which("setpriv"):
        pytest.skip("root can write everywhere")
    if where == "root":
        shutil.rmtree(hook.acode)
    elif where == "inbox":
        hook.inbox.mkdir()
    folder = {"root": hook.root, ".acode": hook.acode, "inbox": hook.inbox}[where]
    folder.chmod(0o555)
    rights = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"] if AS_ROOT else []
    hook.environ["ACODE_WORKSPACE"] = str(hook.root)
    hook.run(before=rights, payload=b"x" * 1_000_000)
    folder.chmod(0o755)
    assert hook.files() == []


def test_a_file_that_may_not_grow_leaves_nothing_of_it(hook: Hook) -> None:
    limit = ["bash", "-c", 'ulimit -f 8; exec "$@"', "bash"]  # 8 KB
    hook.run(payload=b"x" * 100_000, before=limit)
    assert hook.files() == []
    hook.run(payload=b"x" * 1000, before=limit)
    assert hook.only() == (b"acode-hook 1 - -", b"x" * 1000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if not AS_ROOT or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_no_halves(small_disk: Path, shell: list[str]) -> None:
    hook = Hook(small_disk, shell).quiet()
    hook.run(payload=b"x" * 1_000_000)
    assert hook.files() == []
    hook.run(payload=b"small")
    assert [file.read_bytes() for file in hook.files()] == [b"acode-hook 1 - -\nsmall"]
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            pass
    hook.run(payload=b"more")
    assert len(hook.files()) == 1
    (small_disk / "filler").unlink()
    hook.run(payload=b"again")
    assert len(hook.files()) == 2


def test_a_folder_that_is_gone_is_not_made_again(one: Hook, tmp_path: Path) -> None:
    inner = tmp_path / "gone"
    inner.mkdir()
    script = f'rmdir {inner}; exec "$@" 2>/dev/null'  # the shell itself says that it has no folder
    one.run("codex", "Stop", before=["sh", "-c", script, "sh"], cwd=inner)
    assert not inner.exists()
    one.environ["CLAUDE_PROJECT_DIR"] = str(one.root)
    inner.mkdir()
    one.run("claude-code", "Stop", before=["sh", "-c", script, "sh"], cwd=inner)
    assert len(one.files()) == 1


LAYOUTS: dict[str, tuple[list[str], str]] = {
    "nothing": (["a/b/c"], "a/b/c"),
    "git": (["r/.git", "r/x/y"], "r/x/y"),
    "nearest git": (["r/.git", "r/x/.git", "r/x/y"], "r/x/y"),
    "acode above git": (["w/.acode", "w/r/.git", "w/r/x"], "w/r/x"),
    "git above acode": (["g/.git", "g/p/.acode", "g/p/x/y"], "g/p/x/y"),
    "acode and git": (["w/.acode", "w/.git", "w/x"], "w/x"),
    "acode here": (["w/.acode"], "w"),
    "home": (["home/.acode", "home/x/y"], "home/x/y"),
    "home itself": (["home/.acode"], "home"),
    "home with git": (["home/.acode", "home/r/.git", "home/r/x"], "home/r/x"),
    "above home": (["home/x", ".acode"], "home/x"),
    "spaces": (["sp ace/.git", "sp ace/x  y/z"], "sp ace/x  y/z"),
    "glob": (["[a]*/.git", "[a]*/?"], "[a]*/?"),
    "dash": (["-n/.git", "-n/-x"], "-n/-x"),
    "line end": (["li\nne/.git", "li\nne/x\n"], "li\nne/x\n"),
    "not ASCII": (["\u00e4/.git", "\u00e4/\U0001f600"], "\u00e4/\U0001f600"),
    "link": (["r/.git", "r/x", "other/"], "other/link"),
    "git is a file": (["t/x/y"], "t/x/y"),
    "acode is a file": (["f/.git", "f/x/y"], "f/x/y"),
}


def lay_out(base: Path, folders: list[str], start: str) -> Path:
    """Make the folders; return where to start."""
    for folder in folders:
        (base / folder).mkdir(parents=True)
    if start == "t/x/y":
        (base / "t" / ".git").write_text("gitdir: elsewhere")
    if start == "f/x/y":
        (base / "f" / "x" / ".acode").write_text("")
    if start.endswith("link"):
        (base / start).symlink_to("../r/x")
    return base / start


@pytest.mark.parametrize("how", ["folder", "claude-code", "gemini", "cursor"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_workspace_is_the_one_a_recorder_finds(
    hook: Hook, tmp_path: Path, layout: tuple[list[str], str], how: str
) -> None:
    base = tmp_path / "base"
    start = lay_out(base, *layout)
    hook.environ["HOME"] = str(base / "home")
    expected = Path(find_root(os.path.realpath(start), hook.environ))
    hook.environ["ACODE_HOOKS"] = ""
    asked = base / "asked"
    asked.mkdir()
    if base not in (expected, *expected.parents):
        pytest.skip("the folder of the tests is in a workspace of somebody's")
    (expected / ".acode").mkdir(exist_ok=True)
    (expected / ".acode" / "collector.pid").write_text(f"{os.getpid()} 1 - 0 x\n")
    if how == "folder":
        hook.run("codex", "Stop", cwd=start)
    else:
        variable = {"claude-code": "CLAUDE", "gemini": "GEMINI", "cursor": "CURSOR"}[how]
        hook.environ[f"{variable}_PROJECT_DIR"] = str(start)
        hook.run(how, "Stop", cwd=asked)
    (inbox,) = base.rglob("inbox")
    assert inbox == expected / ".acode" / "inbox"
    assert len(list(inbox.iterdir())) == 1


@pytest.mark.parametrize("given", ["ABSOLUTE", "named", "../beside", "deep/er"])
def test_a_workspace_that_is_named_is_used_and_made(hook: Hook, tmp_path: Path, given: str) -> None:
    hook.environ["ACODE_WORKSPACE"] = str(tmp_path / "absolute") if given == "ABSOLUTE" else given
    expected = Path(find_root(str(hook.root), hook.environ))
    hook.command = [*hook.command[:-1], str(beside(tmp_path, "exit 0"))]
    hook.run()
    (file,) = (expected / ".acode" / "inbox").iterdir()
    assert file.read_bytes() == b"acode-hook 1 - -\n{}"


@pytest.mark.parametrize(
    ("arguments", "environ", "agent"),
    [
        (["codex", "Stop"], {"CURSOR_VERSION": "3"}, "codex"),
        (["claude-code", "Stop"], {}, "claude-code"),
        (["claude-code", "Stop"], {"CURSOR_VERSION": "3"}, "cursor"),
        ([], {"CURSOR_VERSION": "3"}, "cursor"),
        ([], {"CLAUDE_PROJECT_DIR": "."}, "claude-code"),
        ([], {}, None),
    ],
)
def test_agents_that_call_the_hooks_of_another_are_known(
    one: Hook, arguments: list[str], environ: dict[str, str], agent: str | None
) -> None:
    one.environ |= environ
    done = subprocess.run(
        [*one.command, *arguments],
        env=one.environ,
        cwd=one.root,
        input=b"{}",
        capture_output=True,
        check=True,
    )
    assert done.stdout + done.stderr == b""
    assert [file.name.split(".")[1] for file in one.files()] == ([agent] if agent else [])


# The collector.

STARTED = 'printf "%s|" "$MARK" "$@" >> "$LOG"; echo >> "$LOG"'


class Starting:
    """A hook with a program called acode beside it that notes how it was called."""

    def __init__(self, folder: Path, shell: list[str], acode: str = STARTED) -> None:
        self.hook = Hook(folder, shell, beside(folder, acode))
        self.log = folder / "log"
        self.hook.environ["LOG"] = str(self.log)
        self.hook.acode.mkdir()

    def call(self, mark: str, event: str = "PreToolUse") -> None:
        self.hook.environ["MARK"] = mark
        self.hook.run("codex", event)

    def started(self, mark: str) -> list[str]:
        """Return the marks of all starts, once that of one is there."""
        wait_for(lambda: self.log.exists() and f"{mark}|" in self.log.read_text())
        return [line.split("|")[0] for line in self.log.read_text().splitlines()]

    def forget(self) -> None:
        """As if the last start were long ago."""
        (self.hook.acode / "collector.asked").unlink()


@pytest.fixture
def starting(tmp_path: Path, shell: list[str]) -> Starting:
    return Starting(tmp_path, shell)


def test_the_collector_is_asked_for_when_none_runs(starting: Starting) -> None:
    starting.call("first")
    assert starting.started("first") == ["first"]
    words = starting.log.read_text().strip().split("|")
    assert words == ["first", "--workspace", str(starting.hook.root), "collector", "ensure", ""]


@pytest.mark.parametrize("mask", [0o000, 0o027, 0o077])
def test_it_is_started_with_the_mask_of_the_agent(
    tmp_path: Path, shell: list[str], mask: int, request: pytest.FixtureRequest
) -> None:
    starting = Starting(tmp_path, shell, 'umask > "$LOG.new"; mv "$LOG.new" "$LOG"')
    before = os.umask(mask)
    request.addfinalizer(lambda: os.umask(before))
    starting.call("first")
    wait_for(starting.log.exists)
    assert int(starting.log.read_text(), 8) == mask


def test_it_is_asked_for_once_in_a_while(starting: Starting) -> None:
    starting.call("first")
    starting.call("second", "SessionStart")
    starting.forget()
    starting.call("third")
    assert starting.started("third") == ["first", "third"]


@pytest.mark.parametrize(
    "asked", ["999999999999\n", "", "x\n", "-5\n", "1 2 3\n", "08\n", "1-2\n", "9" * 40, "\0"]
)
def test_a_strange_time_of_the_last_start_does_not_stop_it(starting: Starting, asked: str) -> None:
    (starting.hook.acode / "collector.asked").write_text(asked)
    starting.call("first")
    assert starting.started("first") == ["first"]


def test_a_collector_that_runs_is_not_asked_for_but_at_the_start_of_a_session(starting: Starting) -> None:
    starting.hook.quiet()
    starting.call("first", "PreToolUse")
    for number, event in enumerate(["SessionStart", "sessionStart", "session.created"]):
        starting.call(f"start {number}", event)
        starting.started(f"start {number}")
        starting.forget()
    assert starting.started("start 2") == ["start 0", "start 1", "start 2"]


@pytest.mark.parametrize("content", ["", "x", "0 1", "-1 1", "999999999 1", "\n", "1x 2", "$(id)", "DEAD"])
def test_a_pid_file_that_names_nobody_is_none(starting: Starting, content: str) -> None:
    if content == "DEAD":
        dead = subprocess.Popen(["true"])
        dead.wait()
        content = f"{dead.pid} 1 - 0 x"
    (starting.hook.acode / "collector.pid").write_text(content)
    starting.call("first")
    assert starting.started("first") == ["first"]


def test_the_agent_s_pipes_do_not_wait_for_what_was_started(tmp_path: Path) -> None:
    live = 'echo $$ > "$LOG.new"; mv "$LOG.new" "$LOG"; exec sleep 60'
    starting = Starting(tmp_path, [], live)
    # `run` returns when nobody holds the other end of the agent's pipes any more.
    starting.hook.run(before=["sh", "-c", 'exec "$@" 7> seven', "sh"])
    wait_for(starting.log.exists)
    pid = starting.log.read_text().strip()
    try:
        assert is_process_alive(int(pid), process_start_ticks(int(pid)), "")
        targets = {int(fd.name): str(fd.readlink()) for fd in Path("/proc", pid, "fd").iterdir()}
        assert [targets[fd] for fd in (0, 1, 2)] == ["/dev/null"] * 3
        assert not [t for t in targets.values() if t.startswith("pipe:") or t.endswith("/seven")]
    finally:
        os.kill(int(pid), signal.SIGKILL)


def test_an_interrupt_of_the_agent_does_not_lose_the_event(one: Hook) -> None:
    process = subprocess.Popen(
        [*one.command, "codex", "Stop"], env=one.environ, cwd=one.root, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b'{"half": ')
    process.stdin.flush()
    wait_for(lambda: one.files() and one.files()[0].stat().st_size > 20)
    os.killpg(process.pid, signal.SIGHUP)
    os.killpg(process.pid, signal.SIGINT)
    process.stdin.write(b"1}")
    process.stdin.close()
    assert process.wait(30) == 0
    assert one.only() == (b"acode-hook 1 - -", b'{"half": 1}')
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        assert stream.read() == b""
        stream.close()


def test_a_real_collector_comes_up_and_takes_the_event(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    (root / ".acode").mkdir(parents=True)
    (tmp_path / "start.py").write_text(ACODE[-1])
    hook = Hook(tmp_path, [], beside(tmp_path, f'exec {ACODE[0]} -I -S {tmp_path}/start.py "$@"'))
    hook.run("codex", "SessionStart", payload=b'{"hook_event_name": "SessionStart", "session_id": "s"}')
    pid_file = hook.acode / "collector.pid"
    wait_for(pid_file.exists)
    pid = int(pid_file.read_text().split()[0])
    try:
        wait_for(lambda: hook.files() == [])
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pid_file.exists())


def test_ensuring_says_nothing_whatever_the_settings_are(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ACODE_COLLECTOR_AUTOSTART": "false"}
    for content in (None, "collector: [nonsense", "nonsense: 1"):
        if content is not None:
            (tmp_path / ".acode").mkdir(exist_ok=True)
            (tmp_path / ".acode" / "config.yml").write_text(content)
        command = [*ACODE, "collector", "ensure", "--workspace", str(tmp_path)]
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not (tmp_path / ".acode" / "collector.pid").exists()
