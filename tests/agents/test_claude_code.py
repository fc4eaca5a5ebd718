"""Claude Code: what really ran against what was recorded, and that it behaves as without acode."""

from __future__ import annotations

from tests.agents.conftest import Runner
from tests.agents.model_server import Script, Step

ORDER = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
DOCUMENT = "cat <<'END'\nit's eval 'x' && pwd -P >| /tmp/nowhere\n$HOME \"quoted\" \\n\nEND"
FAILS = {"exit 0": 0, "exit 1": 1, "no-such-command": 127, "exit 137": 137, "false || exit 42": 42}


def bash(command: str, **options: object) -> tuple[str, dict[str, object]]:
    return "Bash", {"command": command, "description": "a step", **options}


def steps(*commands: str) -> Script:
    """Return a script of one command after the other."""
    return {"": [*(Step(calls=(bash(command),)) for command in commands), Step("Finished.")]}


def test_exit_codes_streams_and_order_are_exact(claude: Runner) -> None:
    done = claude.run(steps(*FAILS, ORDER, DOCUMENT))
    assert done.status == 0
    for command, code in FAILS.items():
        run = done.run_of(command)
        assert (run["exit_code"], run["signal"]) == (code, None)
        assert run["status"] == ("success" if code == 0 else "failure")
        assert (run["agent"], run["tool"]) == ("claude-code", "Bash")
    order = done.run_of(ORDER)
    assert done.stream(order, "stdout") == b"out 1\nout 2\nout 3\n"
    assert done.stream(order, "stderr") == b"err 1\nerr 2\nerr 3\n"
    document = done.run_of(DOCUMENT)
    assert (
        done.stream(document, "stdout") == b"it's eval 'x' && pwd -P >| /tmp/nowhere\n$HOME \"quoted\" \\n\n"
    )
