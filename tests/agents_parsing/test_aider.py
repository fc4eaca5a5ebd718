"""Aider's chat history: what it says, by hand; and that nothing in it can break the reader."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.agents.adapter import get_agent
from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Message,
    Prompt,
    SessionEnded,
    SessionSeen,
)
from tests.agents_parsing.mutations import assert_sound

AIDER = get_agent("aider")
T = TypeVar("T")

START = """
# aider chat started at 2026-01-20 14:32:15

> /usr/bin/aider --model gpt-4o --test-cmd make test --auto-test{flags}··
> Aider v0.86.2··
> Main model: gpt-4o with diff edit format··
> Weak model: gpt-4o-mini··
> Git repo: .git with 3 files··
"""

EDIT = """
#### Write calc.py··
#### and check it··

I'll create it.

#### A heading of the model

> a quote of the model

```python
<<<<<<< SEARCH
```

> Tokens: 2.4k sent, 73 received. Cost: $0.01 message, $0.02 session.··
> calc.py··
> Create new file? (Y)es/(N)o [Yes]: y··
> Applied edit to calc.py··
> Commit 0014668 chore: add calc··
> python3 check.py
ls -la··
> Run shell commands? (Y)es/(N)o/(D)on't ask again [Yes]: {answer}··
"""

ASKED = """
#### Go on··

"""

RAN = """> Running python3 check.py··
> Running ls -la··
> Add command output to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: y··
> Added 14 lines of output to the chat.··
"""


@pytest.fixture(autouse=True)
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def only(events: Sequence[AnyEvent], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def spaced(history: str, **values: str) -> bytes:
    """`··` shows the two spaces at a line's end."""
    return history.format(**{"flags": "", "answer": "y", **values}).replace("··", "  ").encode()


def fed(content: bytes, path: Path = Path("/app/.aider.chat.history.md")) -> list[AnyEvent]:
    parser = AIDER.line_parser(path)
    assert parser is not None
    return [event for line in content.split(b"\n")[:-1] for event in parser.feed(line)]


def calls(events: Sequence[AnyEvent]) -> list[tuple[str, str, str]]:
    ended = {end.call_id: end for end in only(events, CallEnded)}
    assert all(end.exit_code is None and end.stdout is None for end in ended.values())
    return [(s.tool, s.command_line, ended[s.call_id].outcome) for s in only(events, CallStarted)]


def test_a_session_is_told_from_its_heading_on() -> None:
    events = fed(spaced(START + EDIT + RAN))
    seen = only(events, SessionSeen)
    assert [(s.agent_version, s.model) for s in seen] == [(None, None), ("0.86.2", None), (None, "gpt-4o")]
    utc = datetime.fromisoformat("2026-01-20T08:47:15+00:00")
    assert (seen[0].at, seen[0].working_directory) == (int(utc.timestamp() * 1000), "/app")
    assert [p.text for p in only(events, Prompt)] == ["Write calc.py\nand check it"]
    assert {e.conversation_id for e in events} == {events[0].conversation_id}
    assert events[0].conversation_id.startswith("20260120143215-")


def test_an_answer_is_what_stands_before_its_tokens() -> None:
    (message,) = only(fed(spaced(START + EDIT)), Message)
    assert message.text is not None
    assert message.text.startswith("I'll create it.\n\n#### A heading of the model\n\n> a quote of the model")
    assert message.text.endswith("```")
    assert (message.tokens, message.cost, message.model) == ({"input": 2400, "output": 73}, 0.01, "gpt-4o")


def test_edits_commits_and_commands_are_calls_without_an_exit_code() -> None:
    events = fed(spaced(START + EDIT + RAN))
    assert calls(events) == [
        ("edit", "Edit calc.py", "success"),
        ("commit", "Commit 0014668 chore: add calc", "success"),
        ("shell", "python3 check.py", "unknown"),
        ("shell", "ls -la", "unknown"),
    ]
    started, message = only(events, CallStarted), only(events, Message)[0]
    assert {s.message_id for s in started} == {message.message_id}
    assert [s.kind for s in started] == ["edit", "other", "shell", "shell"]
    assert started[0].input == {"path": "calc.py"}


@pytest.mark.parametrize(
    ("flags", "answer", "outcome"),
    [("", "n", "rejected"), ("", "d", "rejected"), (" --yes-always", "n", "denied")],
)
def test_commands_that_were_refused_never_ran(flags: str, answer: str, outcome: str) -> None:
    assert calls(fed(spaced(START + EDIT, flags=flags, answer=answer)))[2:] == [
        ("shell", "python3 check.py", outcome), ("shell", "ls -la", outcome),
    ]  # fmt: skip


def test_a_question_asked_again_is_about_the_same_command() -> None:
    again = """> make··
> Please answer with one of: yes, no, skip, all, don't··
> Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: n··
"""
    assert calls(fed(spaced(START + ASKED + again))) == [("shell", "make", "rejected")]


def test_what_a_person_runs_is_a_command_and_no_prompt() -> None:
    typed = """
#### /run make; exit 4··
> Add 0.1k tokens of command output to the chat? (Y)es/(N)o [Yes]: n··

#### !ls -a··

#### /test false··
> Added 1 line of output to the chat.··

#### /test true··

#### /add calc.py··
> Added calc.py to the chat··

#### /ask What is it?··

#### /exit··

"""
    events = fed(spaced(START + typed))
    assert calls(events) == [
        ("run", "make; exit 4", "unknown"), ("run", "ls -a", "unknown"),
        ("test", "false", "failure"), ("test", "true", "unknown"),
    ]  # fmt: skip
    assert {(s.description, s.message_id) for s in only(events, CallStarted)} == {("typed by the user", None)}
    assert [p.text for p in only(events, Prompt)] == ["What is it?"]
    assert [e.reason for e in only(events, SessionEnded)] == ["/exit"]


def test_tests_that_aider_runs_by_itself_are_told_when_they_fail() -> None:
    failed = "> Added 3 lines of output to the chat.··\n> Attempt to fix test errors? (Y)es/(N)o [Yes]: y··\n"
    events = fed(spaced(START + EDIT + failed, answer="n"))
    assert calls(events)[-1] == ("test", "make test", "failure")
    assert len(calls(fed(spaced(START + EDIT + RAN)))) == 4


def test_edits_that_were_not_made() -> None:
    refused = """> Skipping edits to a.py··
> Skipping edits to b.log that matches gitignore spec.··
> The LLM did not conform to the edit format.··
"""
    assert calls(fed(spaced(START + ASKED + refused))) == [
        ("edit", "Edit a.py", "rejected"), ("edit", "Edit b.log", "denied"), ("edit", "Edit", "failure"),
    ]  # fmt: skip


def test_an_answer_that_was_interrupted_is_kept() -> None:
    cut = (
        "\n#### Go··\n\nI was about to\n\n>··\n> ^C KeyboardInterrupt··\n\n#### Again··\n\nSo\n\n#### x··\n\n"
    )
    messages = only(fed(spaced(START + cut)), Message)
    assert [(m.text, m.tokens) for m in messages] == [("I was about to", {}), ("So", {})]


def test_what_caches_had_to_do_with_is_no_input() -> None:
    told = """
Hi.

> Tokens: 10k sent, 1.5k cache write, 2k cache hit, 120 received.
Cost: $0.50 message, $1.00 session.··
"""
    (message,) = only(fed(spaced(START + ASKED + told)), Message)
    assert (message.text, message.cost) == ("Hi.", 0.5)
    assert message.tokens == {"input": 6500, "output": 120, "cache_read": 2000, "cache_write": 1500}


def test_each_session_of_a_file_is_a_conversation_of_its_own() -> None:
    later = START.replace("14:32:15", "15:00:00")
    events = fed(spaced(START + EDIT + later + EDIT + later + EDIT))
    ids = list(dict.fromkeys(event.conversation_id for event in events))
    assert [identity.partition("-")[0] for identity in ids] == [
        "20260120143215", "20260120150000", "20260120150000",
    ]  # fmt: skip
    assert ids[2] == f"{ids[1]}-2"
    started = only(events, CallStarted)
    assert len({s.call_id for s in started}) == len(started) == 6


def test_a_copy_of_a_history_has_the_same_ids_and_another_session_of_that_second_has_not() -> None:
    events = fed(spaced(START + EDIT))
    copy = fed(spaced(START + EDIT + RAN), Path("/other/.aider.chat.history.md"))
    other = fed(spaced(START + EDIT).replace(b"Write calc.py", b"Write it"))
    assert copy[0].conversation_id == events[0].conversation_id != other[0].conversation_id


def test_a_session_in_which_nobody_said_anything_is_none() -> None:
    assert fed(spaced(START)) == []
    assert len({e.conversation_id for e in fed(spaced(START + START + EDIT))}) == 1


def test_read_as_a_whole_the_last_lines_count_too(tmp_path: Path) -> None:
    path = tmp_path / ".aider.chat.history.md"
    path.write_bytes(spaced(START + "\n#### Go··\n\nAn answer without its tokens"))
    events = list(AIDER.parse(path))
    assert [p.text for p in only(events, Prompt)] == ["Go"]
    assert [m.text for m in only(events, Message)] == ["An answer without its tokens"]
    path.write_bytes(spaced(START + EDIT + RAN).replace(b"\n", b"\r\n"))
    assert list(AIDER.parse(path)) == fed(spaced(START + EDIT + RAN), path)


LINES = st.sampled_from([line + b"\n" for line in spaced(START + EDIT + RAN).split(b"\n")])


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES | st.binary(max_size=40).map(lambda b: b + b"\n")))
def test_any_lines_in_any_order_break_nothing(lines: list[bytes]) -> None:
    assert_sound(fed(b"".join([*spaced(START).splitlines(keepends=True), *lines])))


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 100, b"\xff\xfe  ", b"####   ", b">  ", b"> Commit  ", b"#### /run   ", b"x" * 3_000_000,
        b"> Tokens: k sent, . received.  ", b"> Tokens: " + b"9" * 5000 + b"k sent, 1 received.  ",
        b"# aider chat started at 9999-99-99 99:99:99",
    ],
)  # fmt: skip
def test_broken_lines_break_nothing(line: bytes) -> None:
    assert_sound(fed(spaced(START) + line + b"\n" + spaced(EDIT) + line + b"\n"))
    assert len(calls(fed(spaced(START) + line + b"\n" + spaced(EDIT + RAN)))) >= 4


def test_histories_are_found_at_the_top_of_the_repository(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "repo" / "sub"
    root.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    assert list(AIDER.find_transcripts(home, {"PWD": str(root)})) == []
    path = tmp_path / "repo" / ".aider.chat.history.md"
    path.write_bytes(spaced(START))
    assert list(AIDER.find_transcripts(home, {"PWD": str(root)})) == [path]
    assert list(AIDER.find_transcripts(home, {})) == []
    assert list(AIDER.recent_transcripts(home, {}, root, 0.0)) == [path]
    os.utime(path, (10, 10))
    assert list(AIDER.recent_transcripts(home, {}, root, 10.0)) == []
    named = root / "chat.md"
    named.write_bytes(spaced(START))
    assert list(AIDER.recent_transcripts(home, {"AIDER_CHAT_HISTORY_FILE": "chat.md"}, root, 10.0)) == [named]


def test_only_histories_are_recognized() -> None:
    assert AIDER.recognizes(Path("chat.md"), spaced(START))
    assert AIDER.recognizes(Path(".aider.chat.history.md"), b"")
    assert not AIDER.recognizes(Path("README.md"), b"# aider\n")
    assert list(AIDER.companions(Path("chat.md"))) == []
    assert list(AIDER.hook_events({}, 0)) == []
