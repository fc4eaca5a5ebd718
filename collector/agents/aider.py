"""Aider: the chat history (`.aider.chat.history.md`), a Markdown file with every session one after another.

    # aider chat started at 2026-01-20 14:32:15
    > Aider v0.86.2                                what aider says, and its questions with their answers
    #### what the person says
    the answer of the model, as it is

Aider ends its own lines with two spaces; that is what tells them from headings and quotes of the model.
Of a command only its text is kept: no output, no exit code, no time. Numbers of tokens are rounded.
Several sessions at once in one folder are written into each other; nothing tells them apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallKind,
    CallStarted,
    Message,
    Outcome,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from collector.agents.values import count, ms_of_iso, without_cache

_HISTORY = ".aider.chat.history.md"
_MAX_ANSWER = 1 << 20
_MAX_OPENING = 1000
_SESSION = re.compile(r"# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*")
_TOKENS = re.compile(
    r"Tokens: (?P<sent>[\d.]+k?) sent(?:, (?P<written>[\d.]+k?) cache write)?"
    r"(?:, (?P<read>[\d.]+k?) cache hit)?, (?P<received>[\d.]+k?) received\."
)
_COST = re.compile(r"Cost: \$(\d+(?:\.\d+)?) message,")
_VERSION = re.compile(r"Aider v(\S+)")
_MODEL = re.compile(r"(?:Main model|Model): (\S+) with ")
_EDITED = re.compile(r"Applied edit to (.+)")
_SKIPPED = re.compile(r"Skipping edits to (.+?)( that matches gitignore spec\.)?")
_COMMITTED = re.compile(r"Commit ([0-9a-f]{7,40}) (.*)")
_RUNNING = re.compile(r"Running (.+)")
_OFFERED = re.compile(r"Run shell commands?\? .*: ([a-z])")
_ADD_OUTPUT = re.compile(r"Add (?:[\d.]+k tokens of )?command output to the chat\? ")
_ADDED = re.compile(r"Added \d+ lines? of output to the chat\.")
_FIX_TESTS = "Attempt to fix test errors?"
_OPEN = (_TOKENS, _VERSION, _MODEL)
"""More may follow what these say."""

_ASK_AGAIN = "Please answer with one of:"
_BAD_EDIT = "The LLM did not conform to the edit format."
_TEST_COMMAND = re.compile(r" --test-cmd (.+?)(?= --[a-z]|$)")
_RUN = re.compile(r"(?:/run\s+|!\s*)(.+)", re.DOTALL)
_TEST = re.compile(r"/test\s+(.+)", re.DOTALL)
_ASKED = re.compile(r"/(?:ask|code|architect|context)\s+(.+)", re.DOTALL)


class Aider:
    """Aider."""

    name = "aider"
    title = "Aider"
    commands = ("aider",)

    def find_transcripts(self, home: Path, environ: Mapping[str, str]) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield the history of the current folder's repository: aider keeps no list of them."""
        if environ.get("PWD"):
            yield from _histories(Path(environ["PWD"]), environ)

    def recent_transcripts(
        self,
        home: Path,  # noqa: ARG002, RUF100
        environ: Mapping[str, str],
        root: Path,
        since: float,
    ) -> Iterator[Path]:
        """Yield the workspace's history when it changed after a time."""
        for path in _histories(root, environ):
            if path.stat().st_mtime > since:
                yield path

    def companions(self, path: Path) -> Iterator[Path]:  # noqa: ARG002, RUF100
        """Yield nothing: there are no subagents."""
        yield from ()

    def recognizes(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is a chat history."""
        return path.name == _HISTORY or head.lstrip().startswith(b"# aider chat started at ")

    def line_parser(self, path: Path) -> ChatHistory:
        """Return a parser for one history."""
        return ChatHistory(path)

    def parse(self, path: Path) -> Iterator[AnyEvent]:
        """Yield what a history says that is read as a whole.

        Raises:
            OSError: it cannot be read.
        """
        history = ChatHistory(path)
        with path.open("rb") as file:
            for line in file:
                yield from history.feed(line.removesuffix(b"\n"))
        yield from history.finish()

    def hook_events(self, payload: Mapping[str, Any], received_at: int) -> Iterable[AnyEvent]:  # noqa: ARG002, RUF100
        """Return nothing: there are no hooks."""
        return ()


class ChatHistory:
    """Reads a history line by line. A session in which nobody said anything is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: dict[str, int] = {}
        self._stamp = ""
        self._opening: list[str] | None = None
        self._session: _Session | None = None

    def feed(self, line: bytes) -> Iterator[AnyEvent]:
        """Yield what a whole line says, or the lines before it that it ends."""
        content = line.decode("utf-8", "replace").removesuffix("\r")
        started = _SESSION.fullmatch(content)
        if started is not None:
            yield from self.finish()
            self._stamp, self._opening, self._session = started[1], [], None
        elif self._session is not None:
            yield from self._session.line(content)
        elif self._opening is not None:
            self._opening.append(content[:_MAX_OPENING])
            if _is_said(content) or len(self._opening) == _MAX_OPENING:
                yield from self._open(self._opening)

    def finish(self) -> Iterator[AnyEvent]:
        """Yield what is left, now that no line follows."""
        if self._session is not None:
            yield from self._session.settle()

    def _open(self, lines: list[str]) -> Iterator[AnyEvent]:
        self._opening = None
        self._session = _Session(self._path, self._stamp, self._conversation_id(lines))
        yield self._session.seen()
        for line in lines:
            yield from self._session.line(line)

    def _conversation_id(self, lines: list[str]) -> str:
        """Make an id of a session's beginning, down to the first thing that the person says.

        The file's path is no part of it: histories are copied. Of two sessions of one file that begin the
        same in the same second, the later one gets a number.
        """
        told = "\n".join(line.strip() for line in lines if line.strip())
        digest = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:12]
        identity = f"{re.sub('[^0-9]', '', self._stamp)}-{digest}"
        seen = self._ids[identity] = self._ids.get(identity, 0) + 1
        return f"{identity}-{seen}" if seen > 1 else identity


def _is_said(content: str) -> bool:
    """Tell whether a line is the person's: the model's own headings have no two spaces at their end."""
    return content.startswith("#### ") and content.endswith("  ")


class _Session:
    """One session of a history: what is being said, and what was said last."""

    def __init__(self, path: Path, stamp: str, conversation_id: str) -> None:
        self._path = path
        self._at = ms_of_iso(stamp, local=True)
        self._conversation_id = conversation_id
        self._count = 0
        self._prompt: list[str] = []
        self._answer: list[str] = []
        self._answer_size = 0
        self._message_id: str | None = None
        self._model: str | None = None
        self._test_command = "test"
        self._yes_always = False
        self._offered: list[str] = []
        self._pending: str | None = None
        self._was_asked = False
        self._rules: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Iterator[AnyEvent]]], ...] = (
            (_TOKENS, self._tokens), (_EDITED, self._edited), (_SKIPPED, self._skipped),
            (_COMMITTED, self._committed), (_RUNNING, self._running), (_OFFERED, self._offer),
            (_VERSION, self._version), (_MODEL, self._models),
        )  # fmt: skip

    def seen(self) -> SessionSeen:
        """Return where and when it began; the history lies at the top of what aider works on."""
        return SessionSeen(
            conversation_id=self._conversation_id,
            at=self._at,
            working_directory=str(self._path.parent),
            transcript_path=str(self._path),
        )

    def line(self, content: str) -> Iterator[AnyEvent]:
        """Yield what a line says; what takes several lines is told when the next thing begins."""
        is_aiders = content.endswith("  ")
        if _is_said(content):
            if not self._prompt:
                yield from self.settle()
            self._prompt.append(content[5:].rstrip())
            return
        yield from self._settle_prompt()
        if is_aiders and content.startswith(">"):
            yield from self._said(content[1:].strip())
        elif is_aiders and content.startswith("Cost: $") and self._is_last("> Tokens: "):
            # With two numbers of a cache, the cost is on a line of its own.
            yield from self._said(f"{self._answer.pop()[2:]} {content.strip()}")
        else:
            self._keep(content)

    def settle(self) -> Iterator[AnyEvent]:
        """Yield the prompt, the answer and the end of the command that the last lines were."""
        yield from self._settle_prompt()
        yield from self._settle_command("unknown")
        if "".join(self._answer).strip():
            yield self._message({}, None)

    def _is_last(self, beginning: str) -> bool:
        return bool(self._answer) and self._answer[-1].startswith(beginning)

    def _keep(self, content: str) -> None:
        """Keep a line of the model's answer, or of a list of commands."""
        room = _MAX_ANSWER - self._answer_size
        if room > 0:
            self._answer.append(content[:room])
            self._answer_size += len(content) + 1

    def _settle_prompt(self) -> Iterator[AnyEvent]:
        if not self._prompt:
            return
        said, self._prompt = "\n".join(self._prompt), []
        self._was_asked = False
        for pattern, is_test in ((_RUN, False), (_TEST, True)):
            found = pattern.fullmatch(said)
            if found is not None:
                yield from self._start_command(found[1], "typed by the user", is_test)
                return
        if said in ("/exit", "/quit"):
            yield SessionEnded(conversation_id=self._conversation_id, reason=said)
            return
        asked = _ASKED.fullmatch(said)
        if asked is not None or not said.startswith("/"):
            self._count += 1
            yield Prompt(
                conversation_id=self._conversation_id,
                text=asked[1] if asked else said,
                prompt_id=f"{self._conversation_id}:{self._count}",
            )

    # What aider says

    def _said(self, said: str) -> Iterator[AnyEvent]:
        yield from self._command_end(said)
        yield from self._left_over(said)
        for pattern, told in self._rules:
            found = pattern.match(said) if pattern in _OPEN else pattern.fullmatch(said)
            if found is not None:
                yield from told(found)
                break
        else:
            if said.startswith(_BAD_EDIT):
                yield from self._call("edit", "edit", "Edit", {}, "failure", said)
        self._read_command_line(said)
        if not said.startswith(_ASK_AGAIN):
            self._offered = [said]
        self._answer, self._answer_size = [], 0

    def _left_over(self, said: str) -> Iterator[AnyEvent]:
        """What stands before a line of aider's: an answer (after an empty line) that was interrupted, or
        several lines of its own, of which only the last has the two spaces.
        """  # noqa: D205 - one sentence
        if self._answer and self._answer[-1].endswith("  "):
            lines = self._answer
            first = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].startswith("> ")), 0)
            self._offered = [lines[first].removeprefix("> "), *lines[first + 1 :]]
        elif (
            self._answer and not self._answer[0] and not _TOKENS.match(said) and "".join(self._answer).strip()
        ):
            yield self._message({}, None)

    def _read_command_line(self, said: str) -> None:
        """The first thing that aider says in a session is how it was started."""
        if self._model is None and "aider" in said.partition(" ")[0]:
            self._yes_always = " --yes" in said
            found = _TEST_COMMAND.search(said)
            self._test_command = found[1] if found else self._test_command

    def _version(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        yield SessionSeen(conversation_id=self._conversation_id, agent_version=found[1])

    def _models(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        self._model = found[1]
        yield SessionSeen(conversation_id=self._conversation_id, model=found[1])

    def _tokens(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        sent, written, read, received = (
            _count(found[name]) for name in ("sent", "written", "read", "received")
        )
        tokens = {
            "input": without_cache(sent, read, written), "output": received,
            "cache_read": read, "cache_write": written,
        }  # fmt: skip
        cost = _COST.search(found.string)
        yield self._message({k: v for k, v in tokens.items() if v}, float(cost[1]) if cost else None)

    def _message(self, tokens: Mapping[str, int], cost: float | None) -> Message:
        said = "\n".join(self._answer).strip()
        self._answer, self._answer_size = [], 0
        self._count += 1
        self._message_id = f"{self._conversation_id}:{self._count}"
        return Message(
            conversation_id=self._conversation_id,
            message_id=self._message_id,
            model=self._model,
            text=said or None,
            tokens=tokens,
            cost=cost,
        )

    def _edited(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        yield from self._call("edit", "edit", f"Edit {found[1]}", {"path": found[1]}, "success")

    def _skipped(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        outcome: Outcome = "denied" if found[2] else "rejected"
        yield from self._call("edit", "edit", f"Edit {found[1]}", {"path": found[1]}, outcome, found.string)

    def _committed(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        arguments = {"hash": found[1], "message": found[2]}
        yield from self._call("commit", "other", f"Commit {found[1]} {found[2]}", arguments, "success")

    def _call(
        self,
        tool: str,
        kind: CallKind,
        command_line: str,
        arguments: Mapping[str, Any],
        outcome: Outcome,
        message: str | None = None,
    ) -> Iterator[AnyEvent]:
        started = self._started(tool, kind, command_line, arguments)
        yield started
        yield self._ended(started.call_id, outcome, message)

    def _started(
        self,
        tool: str,
        kind: CallKind,
        command_line: str,
        arguments: Mapping[str, Any],
        who: str | None = None,
    ) -> CallStarted:
        self._count += 1
        return CallStarted(
            conversation_id=self._conversation_id,
            call_id=f"{self._conversation_id}:{self._count}",
            tool=tool,
            kind=kind,
            command_line=command_line,
            input=arguments,
            working_directory=str(self._path.parent),
            message_id=None if who else self._message_id,
            description=who,
        )

    def _ended(self, call_id: str, outcome: Outcome, message: str | None = None) -> CallEnded:
        return CallEnded(
            conversation_id=self._conversation_id, call_id=call_id, outcome=outcome, message=message
        )

    # Commands

    def _offer(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        """Commands that the model suggested are listed, then asked for; each that runs is named again."""
        if found[1] in ("y", "a"):
            return
        outcome: Outcome = "denied" if self._yes_always else "rejected"
        for command in self._suggested():
            yield from self._call("shell", "shell", command, {"command": command}, outcome)

    def _suggested(self) -> list[str]:
        commands = [line.strip() for line in self._offered]
        return [command for command in commands if command and not command.startswith("#")]

    def _running(self, found: re.Match[str]) -> Iterator[AnyEvent]:
        yield from self._start_command(found[1], None, False)

    def _start_command(self, command: str, who: str | None, is_test: bool) -> Iterator[AnyEvent]:
        yield from self._settle_command("unknown")
        tool = "test" if is_test else "run" if who else "shell"
        started = self._started(tool, "shell", command, {"command": command}, who)
        self._pending = started.call_id
        yield started

    def _command_end(self, said: str) -> Iterator[AnyEvent]:
        """Aider adds a test's output to the chat unasked when it failed; other output, when told to."""
        was_asked, self._was_asked = self._was_asked, _ADD_OUTPUT.match(said) is not None
        if _ADDED.fullmatch(said) and not was_asked:
            if self._pending is None:  # the tests that aider runs by itself after an edit
                yield from self._start_command(self._test_command, None, True)
            yield from self._settle_command("failure")
        elif not said.startswith(_FIX_TESTS):
            yield from self._settle_command("unknown")

    def _settle_command(self, outcome: Outcome) -> Iterator[AnyEvent]:
        if self._pending is not None:
            call_id, self._pending = self._pending, None
            yield self._ended(call_id, outcome)


def _histories(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield what there is of: the file that the environment names, and that of a folder's repository."""
    named = environ.get("AIDER_CHAT_HISTORY_FILE")
    candidates = [folder / named] if named else []
    top = next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)
    candidates += [folder / _HISTORY, top / _HISTORY]
    for path in dict.fromkeys(candidates):
        if path.is_file():
            yield path


def _count(shown: str | None) -> int:
    """Read a number as aider shows it: `120`, `2.3k`, `12k`."""
    try:
        return count(
            round(float((shown or "0").removesuffix("k")) * (1000 if (shown or "")[-1:] == "k" else 1))
        )
    except (ValueError, OverflowError):
        return 0


AGENT = Aider()
