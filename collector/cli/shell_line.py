"""The shell lines that agents make of a command: the command within, and what to call it. Pure.

Agents wrap what the model wrote: they load a snapshot of the user's shell first and note the folder after.
Each function takes one agent's wrapping off again, character for character, or says that a line is something
else. `shlex` would import `re`, which costs more than the rest of the shim.
"""

from __future__ import annotations

from collector.record.describe import guess_type, task_name

_EVAL = "eval "
_JOINED = "&& eval "
_NO_INPUT = "< /dev/null"
_NOTES_FOLDER = "&& pwd -P >|"
_ENDS_WORD = " \t\n;&|<>()"
_SPECIAL = "'\"\\" + _ENDS_WORD
_GEMINI_BEGIN = '> "$_bgpids_file"\' EXIT\n'
_GEMINI_END = "\n)\n__code=$?"

_MAX_LOOKED_AT = 4000
_STEPS_ASIDE = frozenset({
    "cd", "export", "source", ".", "set", "unset", "pushd", "popd", "true", ":", "umask", "for", "case",
    "done", "fi", "esac", "}",
})  # fmt: skip
_BEFORE_COMMANDS = frozenset({
    "do", "then", "else", "elif", "if", "while", "until", "!", "{", "time", "timeout",
})  # fmt: skip
_ONLY_LOOKS = frozenset({
    "cat", "ls", "grep", "rg", "find", "echo", "printf", "head", "tail", "sed", "awk", "wc", "sort", "git",
    "mkdir", "rm", "cp", "mv", "touch", "chmod", "diff", "tree", "stat", "file", "du", "which", "pwd", "less",
    "cd", "ln", "basename", "dirname", "tee", "xargs", "cut", "tr", "uniq", "test", "[", "[[", "date",
    "sleep", "kill", "ps", "curl", "wget", "jq",
})  # fmt: skip
"""Programs whose arguments name files and words: `ls tests` is no test."""


def claude_command(line: str) -> str | None:
    """Return the command of a Bash tool call of Claude Code, None for any other line.

    The line ends in `eval COMMAND [< /dev/null] && pwd -P >| FILE`; what comes before differs between
    versions. Hooks, MCP servers and status lines are lines of their own.
    """
    begin = _unquoted(line, _JOINED)
    if line.startswith(_EVAL):
        begin = 0
    elif begin < 0:
        return None
    else:
        begin += len(_JOINED) - len(_EVAL)
    words, end = _words(line, begin + len(_EVAL))
    rest = line[end:].lstrip(" ")
    outside = rest.startswith(_NO_INPUT)
    if outside:
        rest = rest[len(_NO_INPUT) :].lstrip(" ")
    if not words or not rest.startswith(_NOTES_FOLDER):
        return None
    if not outside:
        words = _without_redirection(words)
    return " ".join(words)


def _without_redirection(words: list[str]) -> list[str]:
    """Take off `< /dev/null` where versions before 2.1.300 put it: into the text, before the first pipe."""
    if words[-2:] == ["<", "/dev/null"]:
        return words[:-2]
    if len(words) == 1 and "<<" not in words[0]:
        return [words[0].replace(f" {_NO_INPUT} |", " |", 1)]
    return words


def gemini_command(text: str) -> str | None:
    """Return the command of a shell tool call of Gemini CLI, None for any other text."""
    _, begins, rest = text.partition(_GEMINI_BEGIN)
    command, ends, _ = rest.rpartition(_GEMINI_END)
    return command if begins and ends else None


def _unquoted(line: str, text: str) -> int:
    """Return where a text stands outside of quotes, or -1."""
    position = 0
    while True:
        found = line.find(text, position)
        if found < 0:
            return -1
        quote = min((at for at in (line.find(q, position, found) for q in "'\"\\") if at >= 0), default=-1)
        if quote < 0:
            return found
        position = _after(line, quote)


def _after(line: str, quote: int) -> int:
    """Return where what a quote begins is over."""
    if line[quote] == "\\":
        return quote + 2
    if line[quote] == "'":
        end = line.find("'", quote + 1)
        return len(line) if end < 0 else end + 1
    return _double_quoted(line, quote + 1)[1]


def _words(line: str, position: int) -> tuple[list[str], int]:
    """Return the words of a command up to an operator, and where that stands."""
    words: list[str] = []
    while position < len(line):
        if line[position] in " \t":
            position += 1
        elif line[position] in _ENDS_WORD:
            break
        else:
            word, position = _word(line, position)
            words.append(word)
    return words, position


def _word(line: str, position: int) -> tuple[str, int]:
    """Return one word without its quotes, and where it ends (POSIX 2.2)."""
    parts: list[str] = []
    while position < len(line) and line[position] not in _ENDS_WORD:
        character = line[position]
        if character == "'":
            end = _after(line, position)
            parts.append(line[position + 1 : max(position + 1, end - 1)])
            position = end
        elif character == '"':
            part, position = _double_quoted(line, position + 1)
            parts.append(part)
        elif character == "\\":
            if line[position + 1 : position + 2] != "\n":
                parts.append(line[position + 1 : position + 2])
            position += 2
        else:
            begin = position
            while position < len(line) and line[position] not in _SPECIAL:
                position += 1
            parts.append(line[begin:position])
    return "".join(parts), position


def _double_quoted(line: str, position: int) -> tuple[str, int]:
    """Return what stands between double quotes, and where that ends.

    Agents escape `!` there too, although only an interactive shell would take it for something else.
    """
    parts: list[str] = []
    while position < len(line):
        end = line.find('"', position)
        end = len(line) if end < 0 else end
        escape = line.find("\\", position, end)
        if escape < 0:
            parts.append(line[position:end])
            return "".join(parts), end + 1
        parts.append(line[position:escape])
        escaped = line[escape + 1 : escape + 2]
        if escaped not in ("$", "`", '"', "\\", "\n", "!"):
            parts.append("\\")
        if escaped != "\n":
            parts.append(escaped)
        position = escape + 2
    return "".join(parts), position


def first_word(command: str) -> str:
    """Return the first word of a command; empty when it begins with syntax."""
    words, _ = _words(command[:_MAX_LOOKED_AT].lstrip(), 0)
    return words[0] if words else ""


def name_and_type(command: str) -> tuple[str, str]:
    """Return what a run of a shell command is called, and its type.

    Of `cd web && npm test 2>&1 | tail` it is `npm test` that tells: the first command that builds, tests
    or generates, else the first that does more than to prepare.
    """
    commands = [words for words in _simple_commands(_without_documents(command[:_MAX_LOOKED_AT])) if words]
    for words in commands:
        kind = "command" if _program(words) in _ONLY_LOOKS else guess_type(words)
        if kind != "command":
            return task_name(words), kind
    telling = [words for words in commands if _program(words) not in _STEPS_ASIDE]
    return task_name((telling or commands or [["run"]])[0]), "command"


def _program(words: list[str]) -> str:
    return words[0].rpartition("/")[2]


def _without_documents(text: str) -> str:
    """Return what stands before the first here-document: its lines are no commands."""
    begin = text.find("<<")
    end = text.find("\n", begin) if begin >= 0 and not text.startswith("<<<", begin) else -1
    return text if end < 0 else text[:end]


def _simple_commands(text: str) -> list[list[str]]:
    """Return the commands of a line, each as its words, without what may stand before a command."""
    found: list[list[str]] = []
    position = 0
    while position < len(text):
        words, end = _words(text, position)
        _drop_prefix(words)
        found.append(words)
        position = max(end, position) + 1
        if text[end : end + 1] in ("<", ">"):  # the word after it is a file, not a command
            while position < len(text) and text[position] in " &>":
                position += 1
            if position < len(text) and text[position] not in _ENDS_WORD:
                _, position = _word(text, position)
            rest, position = _words(text, position)
            words += rest
    return found


def _drop_prefix(words: list[str]) -> None:
    limited = False
    while words and (words[0] in _BEFORE_COMMANDS or _is_assignment(words[0]) or limited):
        if limited and not (words[0].startswith("-") or words[0][:1].isdigit()):
            return
        limited = limited or words[0] == "timeout"
        del words[0]


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()
