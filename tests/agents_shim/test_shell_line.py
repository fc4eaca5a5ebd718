"""The command within an agent's shell line, character for character."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.cli.shell_line import claude_command, first_word, gemini_command, name_and_type
from tests.agents_shim.conftest import claude_line

COMMANDS = [
    "ls",
    'echo it\'s "quoted" \\ $HOME `x`',
    "cat <<'END'\nit's\nEND",
    "echo ' && eval ' && pwd -P >| /tmp/x < /dev/null",
    "eval 'eval \"x\"' && pwd -P >| y",
    "a\tb\n\nc ;;& <<<",
    "echo ünïcödé \U0001f600 \udcff",
    "x" * 100_000,
    "'" * 3000,
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_found_as_it_was_written(command: str) -> None:
    assert claude_command(claude_line(command)) == command


@given(st.text(min_size=1, alphabet=st.characters(exclude_characters="\0")))
def test_any_text_comes_back(command: str) -> None:
    assert claude_command(claude_line(command)) == command


@given(st.text(min_size=1, alphabet="ab'\"\\$`! \n&|<>;()é"))
@settings(max_examples=60, deadline=None)
def test_a_shell_agrees_on_what_is_within_double_quotes(command: str) -> None:
    """Older versions put a command that has single quotes between double ones."""
    escaped = "".join(f"\\{c}" if c in '"\\$`' else c for c in command)
    word = f'"{escaped}"'
    shown = subprocess.run(["sh", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout.decode()
    assert shown == command
    assert claude_command(f"source /x && eval {word} && pwd -P >| /tmp/y") == command


OLDER = {
    "source s.sh && eval date \\< /dev/null && pwd -P >| /tmp/c": "date",
    "source s.sh && eval 'ls -la 2>&1 < /dev/null | head' && pwd -P >| /tmp/c": "ls -la 2>&1 | head",
    "source s.sh && eval \"echo 'a' \\\"b \\$HOME\\\" | cat\" \\< /dev/null && pwd -P >| /tmp/c":
        "echo 'a' \"b $HOME\" | cat",
    "source s.sh && eval \"echo 'hi\\!'\" \\< /dev/null && pwd -P >| /tmp/c": "echo 'hi!'",
    "eval ls && pwd -P >| /tmp/c": "ls",
    "source 'a && eval b/s.sh' && eval 'c' && pwd -P >| /tmp/c": "c",
    'source "a \\" && eval b" && eval c\\ d < /dev/null && pwd -P >| /tmp/c': "c d",
}  # fmt: skip


@pytest.mark.parametrize(("line", "command"), OLDER.items())
def test_lines_of_older_versions_are_understood(line: str, command: str) -> None:
    assert claude_command(line) == command


OTHERS = [
    "", "ls", "python3 server.py 'a b'", "eval", "eval ", "&& eval ", "eval 'x", 'eval "x\\',
    "eval 'x' && pwd", "echo 'eval x && pwd -P >| y'", "eval 'x' ; rm y && pwd -P >| z",
    "a && eval 'x' > y && pwd -P >| z", "'" * 99, "\\", '"', "&& eval &&",
]  # fmt: skip


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_are_none(line: str) -> None:
    assert claude_command(line) is None


@given(st.text(alphabet="ab'\"\\ &<>|eval-pwdP\n"))
def test_no_line_is_too_odd(line: str) -> None:
    claude_command(line)
    claude_command(f"eval {line}")
    gemini_command(line)
    name_and_type(line)
    first_word(line)


def test_gemini_s_wrapping_is_taken_off() -> None:
    command = "echo one\n)\necho __code=$?"
    text = (
        "shopt -u promptvars; _bgpids_file=/tmp/x/bgpids.tmp\n(\n"
        "  trap 'jobs -p > \"$_bgpids_file\"' EXIT\n"
        f"{command}\n)\n__code=$?\nexit $__code\n"
    )
    assert gemini_command(text) == command
    assert gemini_command("cat > /dev/null; hook") is None


NAMES = {
    "cd x && npm test 2>&1 | tail": ("npm", "test"),
    "ls tests": ("ls", "command"),
    "git add test && git commit -m 'run tests'": ("git", "command"),
    "FOO=1 BAR='a b' make -j4": ("make", "build"),
    "cd /a; export A=b; ./run.sh --x": ("run.sh", "command"),
    "echo hi > test; cargo build": ("cargo", "build"),
    "for i in 1 2 3; do npm run build; done": ("npm", "build"),
    "(cd a && go test ./...)": ("go", "test"),
    "timeout -k 5 60s pytest -q": ("pytest", "test"),
    "cat <<'EOF' > a.txt\nmake\nEOF": ("cat", "command"),
    "if [ -f x ]; then python -m pytest; fi": ("pytest", "test"),
    "python3 -c 'import x; x.test()'": ("python3", "command"),
    "npx protoc a.proto": ("protoc", "generate"),
    "": ("run", "command"),
    "&&&& ((": ("run", "command"),
}


@pytest.mark.parametrize(("command", "expected"), NAMES.items())
def test_a_command_gets_a_name_and_a_type(command: str, expected: tuple[str, str]) -> None:
    assert name_and_type(command) == expected


def test_the_first_word_has_no_quotes() -> None:
    assert first_word('"my prog" x') == "my prog"
    assert first_word("(a)") == ""
