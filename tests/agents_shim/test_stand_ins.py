"""What stands in for shells of agents that have no prefix: links in PATH and SHELL, and the BASH_ENV file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.agents_shim.conftest import Shim

ENVIRONMENT = "echo $0; echo $SHELL; echo $PATH; echo $BASH_ENV; env | grep -c ^ACODE_SHELL"


def _agent(shim: Shim, program: str, script: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program of that name under `session run`; it is a shell script of its own."""
    path = shim.root / "agents" / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/dash\n{script}\n")
    path.chmod(0o755)
    return shim.session("--", str(path), env={**shim.environ, **environ})


def _lines(shim: Shim) -> list[str]:
    return sorted(record["command_line"] for record in shim.records())


def test_top_level_commands_of_an_unknown_agent_are_recorded(shim: Shim) -> None:
    script = """
    bash -c 'echo one; bash -c "echo nested; exit 2"'
    $SHELL -lc 'echo two >&2; exit 3'
    echo $?
    """
    done = _agent(shim, "novel-agent", script)
    assert done.stdout == b"one\nnested\n3\n"
    assert done.stderr == b"two\n"
    assert _lines(shim) == ['echo one; bash -c "echo nested; exit 2"', "echo two >&2; exit 3"]
    assert {(r["agent"], r["recorder"]["kind"]) for r in shim.records()} == {("novel-agent", "shim")}
    assert {r["exit_code"] for r in shim.records()} == {2, 3}


QUIET = ["which ls", "command -v git", "ps -o pid=", "uname -s", "tty"]


@pytest.mark.parametrize("command", QUIET)
def test_what_agents_look_up_is_not_recorded(shim: Shim, command: str) -> None:
    _agent(shim, "novel-agent", f"bash -c '{command}'")
    assert shim.folders() == []


def test_shells_without_a_command_are_what_they_are(shim: Shim) -> None:
    (shim.root / "script.sh").write_text("echo script $1 $0; exit 4\n")
    done = _agent(
        shim, "novel-agent", "bash script.sh a; echo $?; echo 'echo stdin' | bash; bash --version | head -n1"
    )
    assert done.stdout.startswith(b"script a script.sh\n4\nstdin\nGNU bash")
    assert shim.folders() == []


def test_the_command_finds_its_shell_and_its_path_as_without(shim: Shim) -> None:
    shim.environ["SHELL"] = "/bin/bash"
    given = f"bash -c '{ENVIRONMENT}'; $SHELL -c '{ENVIRONMENT}'"
    plain = subprocess.run(["/bin/dash", "-c", given], env=shim.environ, capture_output=True, check=False)
    assert _agent(shim, "novel-agent", given).stdout == plain.stdout
    assert len(shim.folders()) == 2


def test_no_shell_variable_stays_none(shim: Shim) -> None:
    del shim.environ["SHELL"]
    done = _agent(shim, "novel-agent", "bash -c 'env | grep -c ^SHELL='")
    assert done.stdout == b"0\n"
    assert len(shim.folders()) == 1


def test_a_shell_that_is_not_there_is_not_found(shim: Shim) -> None:
    done = _agent(shim, "novel-agent", "zsh-no-such -c true; echo $?")
    assert done.stdout == b"127\n"


def test_within_a_recorded_command_the_agent_s_commands_still_are_its_own(shim: Shim) -> None:
    """`acode exec -- acode session run …`: what the agent runs is not nested in a command of its own."""
    shim.environ["ACODE_RUN_ID"] = "outer"
    _agent(shim, "novel-agent", "bash -c 'echo one'")
    assert [record["parent_run_id"] for record in shim.records()] == ["outer"]


GEMINI = """bash -c 'shopt -u promptvars; _bgpids_file=/tmp/x/bgpids.tmp
(
  trap '"'"'jobs -p > "$_bgpids_file"'"'"' EXIT
echo one; exit 3
) 2> /dev/null
__code=$?
exit $__code
'
echo $?
bash -c 'echo hook'
"""


def test_gemini_s_hooks_are_told_from_its_commands(shim: Shim) -> None:
    # Its own wrapping ends in `)` alone; the redirection here keeps a missing folder quiet.
    done = _agent(shim, "gemini", GEMINI.replace(") 2> /dev/null", ")"))
    assert done.stdout == b"one\n3\nhook\n"
    assert _lines(shim) == ["echo one; exit 3"]
    (record,) = shim.records()
    assert (record["agent"], record["tool"], record["exit_code"]) == ("gemini", "run_shell_command", 3)


CODEX = """
/bin/bash -c 'echo hook'
export CODEX_TOOL_CALL_ID=call-1 CODEX_THREAD_ID=thread-1
command='echo one; bash -c "echo nested"; exit 3'
/bin/bash -c '__CODEX_SNAPSHOT_OVERRIDE_SET_0=; exec /bin/bash -c "$1"' x "$command"
echo $?
"""


def test_codex_s_commands_are_caught_as_bash_starts(shim: Shim) -> None:
    done = _agent(shim, "codex", CODEX)
    assert done.stdout == b"hook\none\nnested\n3\n"
    (record,) = shim.records()
    assert record["command_line"] == 'echo one; bash -c "echo nested"; exit 3'
    assert (record["agent"], record["tool_call_id"], record["exit_code"]) == ("codex", "call-1", 3)
    assert record["recorder"]["conversation_id"] == "thread-1"


@pytest.mark.parametrize("own", [None, "own"])
def test_a_bash_env_of_the_user_s_own_is_read_as_ever(shim: Shim, own: str | None) -> None:
    if own:
        (shim.root / "own").write_text("echo read; export FROM_OWN=1\n")
        shim.environ["BASH_ENV"] = str(shim.root / "own")
    tell = "echo ${BASH_ENV-none} ${FROM_OWN-none}"
    script = (
        f"/bin/bash -c '{tell}'; CODEX_TOOL_CALL_ID=c /bin/bash -c '{tell}'; "
        f"/bin/bash -c '/bin/bash -c \"{tell}\"'"
    )
    plain = subprocess.run(["/bin/dash", "-c", script], env=shim.environ, capture_output=True, check=True)
    done = _agent(shim, "codex", script)
    assert done.stdout == plain.stdout
    assert len(shim.folders()) == 1


def test_login_shells_and_arguments_are_kept(shim: Shim) -> None:
    script = "CODEX_TOOL_CALL_ID=c /bin/bash -lc 'shopt -q login_shell && echo login $0 $1' name argument"
    assert _agent(shim, "codex", script).stdout == b"login name argument\n"


def test_the_links_lead_to_the_shim_and_are_made_once(shim: Shim) -> None:
    _agent(shim, "novel-agent", "true")
    links = Path(shim.workspace.shells)
    found = [path for path in links.rglob("*") if not path.is_dir()]
    assert {path.name for path in found} >= {"bash", "sh"}
    assert {path.readlink() for path in found} == {(shim.scripts / "acode-shim").resolve()}
    before = {path: path.lstat().st_ino for path in found}
    _agent(shim, "novel-agent", "true")
    assert {path: path.lstat().st_ino for path in links.rglob("*") if not path.is_dir()} == before


def test_a_folder_of_links_that_leads_elsewhere_is_not_used(shim: Shim) -> None:
    (shim.root / "elsewhere").mkdir()
    (shim.root / ".acode").mkdir()
    Path(shim.workspace.shells).symlink_to(shim.root / "elsewhere")
    done = _agent(shim, "novel-agent", "bash -c 'echo one'")
    assert done.stdout == b"one\n"
    assert b"ACODE-AGT-014" in done.stderr
    assert list((shim.root / "elsewhere").iterdir()) == []
