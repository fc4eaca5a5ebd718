"""OpenCode: records of sessions, wherever they are, and what its plugin posts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from collector.agents.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    InstanceEnded,
    InstanceStarted,
    Message,
    Prompt,
    SessionSeen,
)
from collector.agents.opencode import OpenCode
from collector.agents.transcripts import recognize
from tests.agents_parsing.codex_lines import assert_all_sound, only
from tests.agents_parsing.mutations import mutations

SESSION, CHILD, GRANDCHILD = "ses_main", "ses_child", "ses_grandchild"
AT = 1_795_424_400_000
AGENT = OpenCode()
SCHEMA = """
CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text,
  `directory` text NOT NULL, `title` text NOT NULL, `version` text NOT NULL, `agent` text, `model` text,
  `time_created` integer NOT NULL, `time_updated` integer NOT NULL);
CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text NOT NULL, `time_created` integer NOT NULL,
  `time_updated` integer NOT NULL, `data` text NOT NULL, CONSTRAINT `fk_message_session_id_session_id_fk`
  FOREIGN KEY (`session_id`) REFERENCES `session`(`id`) ON DELETE CASCADE);
CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text NOT NULL,
  `time_created` integer NOT NULL, `time_updated` integer NOT NULL, `data` text NOT NULL);
CREATE INDEX `part_message_id_id_idx` ON `part` (`message_id`,`id`);
"""


def info(session_id: str = SESSION, created: int = AT, **fields: Any) -> dict[str, Any]:
    return {
        "id": session_id, "directory": "/home/dev/app", "title": "Fix it", "version": "1.18.33",
        "agent": "build", "model": {"id": "m1", "providerID": "p"},
        "time": {"created": created, "updated": created}, **fields,
    }  # fmt: skip


def prompt(text: str = "do it", at: int = AT + 10, message_id: str = "msg_1") -> dict[str, Any]:
    told = {"id": message_id, "role": "user", "time": {"created": at}}
    return {
        "info": told,
        "parts": [{"type": "text", "text": text}, {"type": "text", "text": "x", "synthetic": True}],
    }


def answer(
    *parts: dict[str, Any], at: int = AT + 20, message_id: str = "msg_2", **fields: Any
) -> dict[str, Any]:
    told = {
        "id": message_id, "role": "assistant", "modelID": "m1", "providerID": "p", "cost": 0.25,
        "time": {"created": at, "completed": at + 5}, "tokens": {
            "input": 700, "output": 13, "reasoning": 7, "cache": {"read": 300, "write": 5},
        }, **fields,
    }  # fmt: skip
    return {"info": told, "parts": list(parts)}


def tool(name: str = "bash", call_id: str = "call_1", **state: Any) -> dict[str, Any]:
    told = {
        "status": "completed",
        "input": {"command": "make"},
        "time": {"start": AT + 30, "end": AT + 90},
        **state,
    }
    return {"type": "tool", "tool": name, "callID": call_id, "state": told}


def bash(output: str, code: int | None, **metadata: Any) -> dict[str, Any]:
    return tool(output=output, metadata={"output": output, "exit": code, "truncated": False, **metadata})


class Store:
    """A database as OpenCode makes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "opencode.db"
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = wal")
        self.connection.executescript(SCHEMA)

    def add(self, session: dict[str, Any], *messages: dict[str, Any]) -> None:
        times = session["time"]
        self.connection.execute(
            "insert into session values (?, 'p', ?, ?, ?, ?, ?, ?, ?, ?)",
            (session["id"], session.get("parentID"), session["directory"], session["title"],
             session["version"], session["agent"], json.dumps(session["model"]), times["created"],
             times["updated"]),
        )  # fmt: skip
        for message in messages:
            told = message["info"]
            key = f"{session['id']}.{told['id']}"
            at = told["time"]["created"]
            data = json.dumps({k: v for k, v in told.items() if k != "id"})
            self.connection.execute(
                "insert into message values (?, ?, ?, ?, ?)", (key, session["id"], at, at, data)
            )
            for number, part in enumerate(message["parts"]):
                row = (f"{key}.{number:03d}", key, session["id"], at, at, json.dumps(part))
                self.connection.execute("insert into part values (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """As OpenCode does when it ends: the log goes into the database."""
        self.connection.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterable[Store]:
    made = Store(tmp_path / ".local" / "share" / "opencode")
    yield made
    made.close()


def export(path: Path, session: dict[str, Any], *messages: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"info": session, "messages": list(messages)}, indent=2))
    return path


def parse(folder: Path, *messages: dict[str, Any], session: dict[str, Any] | None = None) -> list[AnyEvent]:
    events = list(AGENT.parse(export(folder / "export.json", session or info(), *messages)))
    assert_all_sound(events)
    return events


def ended(folder: Path, part: dict[str, Any]) -> CallEnded:
    [end] = only(CallEnded, parse(folder, answer(part)))
    return end


# Records


def test_a_session_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    assert parse(tmp_path) == [
        SessionSeen(
            conversation_id=SESSION, at=AT, agent_version="1.18.33", model="m1",
            working_directory="/home/dev/app", title="Fix it",
        )
    ]  # fmt: skip
    untitled = parse(tmp_path, session=info(title="New session - 2026-11-23T09:00:00.000Z"))
    assert only(SessionSeen, untitled)[0].title is None


def test_prompts_leave_out_what_opencode_adds(tmp_path: Path) -> None:
    [asked] = only(Prompt, parse(tmp_path, prompt()))
    assert (asked.text, asked.prompt_id, asked.at) == ("do it", "msg_1", AT + 10)


def test_tokens_and_cost(tmp_path: Path) -> None:
    [message] = only(Message, parse(tmp_path, answer({"type": "text", "text": "hi"})))
    assert (message.message_id, message.text, message.model, message.cost) == ("msg_2", "hi", "m1", 0.25)
    assert message.tokens == {
        "input": 700, "output": 20, "cache_read": 300, "cache_write": 5, "reasoning": 7,
    }  # fmt: skip
    [free] = only(Message, parse(tmp_path, answer(cost=0)))
    assert free.cost is None, "0 stands for a model whose price is not known"


@pytest.mark.parametrize(("code", "outcome"), [(0, "success"), (9, "failure"), (127, "failure")])
def test_exit_codes_are_fields(tmp_path: Path, code: int, outcome: str) -> None:
    end = ended(tmp_path, bash("out\n", code))
    assert (end.outcome, end.exit_code, end.exit_code_basis) == (outcome, code, "field")
    assert (end.stdout, end.duration_ms, end.at) == ("out\n", 60, AT + 90)


def test_no_output_is_none(tmp_path: Path) -> None:
    assert ended(tmp_path, bash("(no output)", 0)).stdout == ""


@pytest.mark.parametrize(
    ("note", "outcome"),
    [
        ("shell tool terminated command after exceeding timeout 1500 ms. Retry", "timeout"),
        ("User aborted the command", "interrupted"),
        ("something new", "unknown"),
    ],
)
def test_commands_that_were_stopped(tmp_path: Path, note: str, outcome: str) -> None:
    text = f"before\n\n\n<shell_metadata>\n{note}\n</shell_metadata>"
    end = ended(
        tmp_path, tool(output=text, metadata={"output": "before\n", "exit": None, "truncated": False})
    )
    assert (end.outcome, end.exit_code, end.stdout, end.message) == (outcome, None, "before\n", note)


def test_cut_output_names_the_file_that_has_all_of_it(tmp_path: Path) -> None:
    told = {"output": "...\n\ntail\n", "exit": 5, "truncated": True, "outputPath": "/data/tool-output/t1"}
    end = ended(
        tmp_path, tool(output="...output truncated...\n\nFull output saved to: x\n\ntail\n", metadata=told)
    )
    assert (end.stdout, end.output_truncated, end.output_path) == ("tail\n", True, "/data/tool-output/t1")
    assert end.exit_code == 5


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("The user rejected permission to use this specific tool call.", "rejected"),
        ("The user has specified a rule which prevents you from using this specific tool call.", "denied"),
        ("Tool execution aborted", "interrupted"),
        ("File not found: /x", "failure"),
    ],
)
def test_tools_that_threw(tmp_path: Path, error: str, outcome: str) -> None:
    end = ended(tmp_path, tool(status="error", error=error))
    assert (end.outcome, end.message, end.exit_code) == (outcome, error, None)


@pytest.mark.parametrize("status", ["running", "pending"])
def test_a_call_that_runs_has_no_end(tmp_path: Path, status: str) -> None:
    events = parse(tmp_path, answer(tool(status=status, time={"start": AT + 30})))
    assert [s.at for s in only(CallStarted, events)] == [AT + 30]
    assert only(CallEnded, events) == []


@pytest.mark.parametrize(
    ("name", "given", "kind", "line"),
    [
        ("bash", {"command": "a | b", "workdir": "/w"}, "shell", "a | b"),
        ("read", {"filePath": "/a.py"}, "read", "read /a.py"),
        ("edit", {"filePath": "/a.py"}, "edit", "edit /a.py"),
        ("write", {"filePath": "/a.py", "content": "x"}, "write", "write /a.py"),
        ("grep", {"pattern": "x"}, "search", "grep x"),
        ("webfetch", {"url": "http://x"}, "web", "webfetch http://x"),
        ("task", {"prompt": "look", "description": "d"}, "agent", "task look"),
        ("db_query", {"sql": "x"}, "mcp", 'db_query {"sql": "x"}'),
        ("todowrite", {"todos": []}, "other", 'todowrite {"todos": []}'),
    ],
)
def test_kinds_of_tools(tmp_path: Path, name: str, given: dict[str, Any], kind: str, line: str) -> None:
    [start] = only(CallStarted, parse(tmp_path, answer(tool(name, input=given, output="x", metadata={}))))
    assert (start.kind, start.command_line, start.message_id) == (kind, line, "msg_2")
    assert start.working_directory == given.get("workdir", "/home/dev/app")
    assert start.call_id == f"{SESSION}:call_1"


def test_diffs(tmp_path: Path) -> None:
    path = "/home/dev/app/a.py"
    diff = f"Index: {path}\n=====\n--- {path}\n+++ {path}\n@@ -1 +1 @@\n-a\n+b"
    assert ended(tmp_path, tool("edit", output="ok", metadata={"diff": diff})).diff == (
        "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
    )
    given = {"filePath": "/etc/a", "content": "1\n2\n"}
    assert ended(tmp_path, tool("write", input=given, output="ok", metadata={"exists": False})).diff == (
        "--- /dev/null\n+++ b/etc/a\n@@ -0,0 +1,2 @@\n+1\n+2\n"
    )
    assert ended(tmp_path, tool("write", input=given, output="ok", metadata={"exists": True})).diff is None


def test_an_unknown_tool_failed(tmp_path: Path) -> None:
    assert ended(tmp_path, tool("invalid", output="no such tool", metadata={})).outcome == "failure"


def test_what_a_fork_copied_is_left_to_the_session_it_came_from(tmp_path: Path) -> None:
    old = [prompt("old", AT - 500, "msg_0"), answer(bash("x", 1), at=AT - 400, message_id="msg_9")]
    events = parse(tmp_path, *old, prompt("new"), answer(bash("y", 2)))
    assert [p.text for p in only(Prompt, events)] == ["new"]
    assert [e.exit_code for e in only(CallEnded, events)] == [2]
    assert len(only(Message, events)) == 1


# The database


def test_all_sessions_of_a_database_with_their_subagents(store: Store) -> None:
    task = tool("task", output="done", metadata={"sessionId": CHILD}, input={"prompt": "look"})
    store.add(info(), prompt(), answer(bash("x", 3), task))
    store.add(
        info(CHILD, AT + 40, parentID=SESSION, agent="general", title="look"),
        answer(bash("y", 9), at=AT + 50),
    )
    store.add(info(GRANDCHILD, AT + 60, parentID=CHILD))
    store.add(info("ses_other", AT + 70), answer(bash("z", 0), at=AT + 80))
    events = list(AGENT.parse(store.path))
    assert_all_sound(events)
    ends = {e.call_id: (e.conversation_id, e.instance_id, e.exit_code) for e in only(CallEnded, events)}
    assert ends == {
        f"{CHILD}:call_1": (SESSION, CHILD, 9), "ses_other:call_1": ("ses_other", None, 0),
        f"{SESSION}:call_1": (SESSION, None, None),
    }  # fmt: skip
    children = {e.call_id: e.child_instance_id for e in only(CallEnded, events)}
    assert children == {f"{CHILD}:call_1": None, f"{SESSION}:call_1": CHILD, "ses_other:call_1": None}
    began = only(InstanceStarted, events)
    assert [(b.instance_id, b.parent_instance_id, b.role, b.call_id) for b in began] == [
        (CHILD, None, None, f"{SESSION}:call_1"), (CHILD, None, "general", None),
        (GRANDCHILD, CHILD, "build", None),
    ]  # fmt: skip
    assert [over.instance_id for over in only(InstanceEnded, events)] == [CHILD]


def test_only_what_changed_in_a_workspace_is_read(store: Store) -> None:
    store.add(info("ses_old", AT - 10_000))
    store.add(info("ses_new", AT))
    store.add(info("ses_else", AT, directory="/home/dev/apple"))
    seen = only(SessionSeen, AGENT.parse_changed(store.path, Path("/home/dev/app"), AT - 5000))
    assert [s.conversation_id for s in seen] == ["ses_new"]


def test_reading_leaves_no_trace_and_holds_up_nobody(store: Store) -> None:
    store.add(info(), prompt(), answer(bash("x", 1)))
    before = {f.name: f.read_bytes() for f in store.path.parent.iterdir()}
    events = AGENT.parse(store.path)
    first = next(events)
    store.connection.execute("PRAGMA busy_timeout = 0")
    store.connection.execute("update session set title = 'written meanwhile'")
    assert store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    assert [first, *events]
    assert {f.name for f in store.path.parent.iterdir()} == before.keys()


def test_a_closed_database_is_read_without_a_file_beside_it(store: Store) -> None:
    store.add(info(), prompt())
    store.close()
    before = store.path.read_bytes()
    os.chmod(store.path.parent, 0o555)  # noqa: PTH101 - the folder, for a moment
    try:
        assert len(only(Prompt, AGENT.parse(store.path))) == 1
    finally:
        os.chmod(store.path.parent, 0o755)  # noqa: PTH101
    assert [f.name for f in store.path.parent.iterdir()] == [store.path.name]
    assert store.path.read_bytes() == before


def test_an_empty_log_is_no_log(store: Store) -> None:
    store.add(info(), prompt())
    store.close()
    log = Path(f"{store.path}-wal")
    log.touch()
    assert len(only(Prompt, AGENT.parse(store.path))) == 1
    assert {f.name for f in store.path.parent.iterdir()} == {store.path.name, log.name}


def test_raw_control_characters_in_a_row_are_read(store: Store) -> None:
    store.add(info(), prompt())
    told = '{"type": "text", "text": "a\tb"}'
    store.connection.execute("update part set data = ? where id like '%.000'", (told,))
    assert [p.text for p in only(Prompt, AGENT.parse(store.path))] == ["a\tb"]


def test_a_database_that_is_written_while_it_is_read_has_to_be_read_again(store: Store) -> None:
    store.add(info(), prompt(), answer())
    store.close()
    events = AGENT.parse(store.path)
    next(events)
    writer = sqlite3.connect(store.path, isolation_level=None)
    writer.execute("update session set title = 'x'")
    with pytest.raises(ValueError, match="changed while it was read"):
        list(events)
    writer.close()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 8192])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "opencode.db"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        list(AGENT.parse(path))


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "opencode.db"
    sqlite3.connect(path).execute("create table session (id text)").connection.close()
    with pytest.raises(ValueError, match=r"no such column"):
        list(AGENT.parse(path))


def test_a_database_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"opencode.db"):
        list(AGENT.parse(tmp_path / "opencode.db"))


def test_rows_with_anything_in_them_raise_nothing(store: Store) -> None:
    store.add(info(), prompt(), answer(bash("x", 1)))
    for row in ("null", "[]", '"x"', "{", '{"type":"tool"}', "\0", "[" * 100_000):
        store.connection.execute(
            "insert into part values (?, ?, ?, 1, 1, ?)", (row[:9], f"{SESSION}.msg_2", SESSION, row)
        )
    store.connection.execute(
        "insert into part values ('b', ?, ?, 1, 1, ?)", (f"{SESSION}.msg_2", SESSION, b"\xff")
    )
    store.connection.execute("insert into message values ('m', ?, 'x', 'y', ?)", (SESSION, "[]"))
    store.connection.execute("update session set model = '{', version = x'ff', agent = 7")
    events = list(AGENT.parse(store.path))
    assert [e.exit_code for e in only(CallEnded, events)] == [1]


# Files of the time before the database


def test_a_session_of_many_files(tmp_path: Path) -> None:
    storage = tmp_path / ".local" / "share" / "opencode" / "storage"

    def write(path: str, content: dict[str, Any]) -> Path:
        file = storage / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
        return file

    main = write(f"session/project/{SESSION}.json", info())
    child = write(f"session/project/{CHILD}.json", info(CHILD, parentID=SESSION))
    nested = write(f"session/project/{GRANDCHILD}.json", info(GRANDCHILD, parentID=CHILD))
    for session, code in ((SESSION, 3), (GRANDCHILD, 9)):
        message = answer(bash("x", code), message_id=f"msg_{code}")
        write(f"message/{session}/msg_{code}.json", message["info"])
        write(f"part/msg_{code}/prt_1.json", message["parts"][0])
    (storage / "message" / SESSION / "msg_torn.json").write_text("{")
    assert list(AGENT.find_transcripts(tmp_path, {})) == [main]
    assert list(AGENT.companions(main)) == [child, nested]
    assert recognize(main) is not None
    assert [e.exit_code for e in only(CallEnded, AGENT.parse(main))] == [3]
    [end] = only(CallEnded, AGENT.parse(nested))
    assert (end.conversation_id, end.instance_id, end.exit_code) == (SESSION, GRANDCHILD, 9)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"info": {}}', '{"id": 1}', "[" * 100_000])
def test_what_is_no_session_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"."):
        list(AGENT.parse(path))


def test_wrong_types_in_an_export_raise_nothing(tmp_path: Path) -> None:
    document = {
        "info": info(parentID="x"),
        "messages": [prompt(), answer(bash("x", 1), tool("task", metadata={"sessionId": "y"}))],
    }
    path = tmp_path / "x.json"
    for changed in mutations(document):
        path.write_text(json.dumps(changed))
        try:
            assert_all_sound(AGENT.parse(path))
        except ValueError:
            assert not (isinstance(changed, dict) and changed.get("info") == document["info"])


# Places


def test_databases_are_found(tmp_path: Path, store: Store) -> None:
    (store.path.parent / "storage" / "session" / "p").mkdir(parents=True)
    (store.path.parent / "storage" / "session" / "p" / "ses_1.json").write_text(json.dumps(info("ses_1")))
    assert list(AGENT.find_transcripts(tmp_path, {})) == [store.path], "the old files are in it"
    elsewhere = {"XDG_DATA_HOME": str(tmp_path / ".local" / "share")}
    assert list(AGENT.find_transcripts(Path("/nowhere"), elsewhere)) == [store.path]
    assert list(AGENT.find_transcripts(tmp_path / "none", {})) == []


def test_a_database_is_recent_when_a_session_of_the_workspace_is(tmp_path: Path, store: Store) -> None:
    store.add(info(directory="/home/dev/app/sub"))
    since = AT / 1000 - 60

    def recent(root: str, since: float) -> list[Path]:
        return list(AGENT.recent_transcripts(tmp_path, {}, Path(root), since))

    assert recent("/home/dev/app", since) == [store.path]
    assert recent("/home/dev/app/sub", since) == [store.path]
    assert recent("/home/dev/apple", since) == []
    assert recent("/home/dev/app", AT / 1000 + 60) == []


def test_what_is_recognized(tmp_path: Path, store: Store) -> None:
    store.add(info())
    store.close()
    copy = tmp_path / "copy.db"
    copy.write_bytes(store.path.read_bytes())
    assert isinstance(recognize(store.path), OpenCode)
    assert isinstance(recognize(copy), OpenCode)
    assert isinstance(recognize(export(tmp_path / "x.json", info())), OpenCode)
    assert not AGENT.recognizes(Path("/x/other.db"), b"SQLite format 3\0")
    assert not AGENT.recognizes(Path("/x/y/z.json"), b'{"id": "ses_1"}')
    assert not AGENT.recognizes(Path("/x/session/p/z.json"), b"\0")


# The plugin


def post(event: str, **fields: Any) -> dict[str, Any]:
    return {"event": event, "at": AT, "sessionID": SESSION, "directory": "/home/dev/app", **fields}


def told(payload: dict[str, Any], agent: OpenCode | None = None) -> list[AnyEvent]:
    events = list((agent or AGENT).hook_events(payload, 5))
    assert_all_sound(events)
    assert {event.source for event in events} <= {"hook"}
    return events


def test_a_session_that_begins() -> None:
    for event in ("session.created", "session.updated", "session.error", "session.deleted"):
        [seen] = told(post(event, info=info()))
        assert isinstance(seen, SessionSeen)
        assert (seen.conversation_id, seen.title, seen.at) == (SESSION, "Fix it", AT)


def test_a_prompt_that_was_posted() -> None:
    _, asked = told(
        post("chat.message", messageID="msg_1", text="do it", agent="build", model={"modelID": "m1"})
    )
    assert isinstance(asked, Prompt)
    assert (asked.text, asked.prompt_id, asked.at) == ("do it", "msg_1", AT)


def test_tokens_that_were_posted() -> None:
    [message] = told(post("message.updated", info=answer()["info"]))
    assert isinstance(message, Message)
    assert (message.message_id, message.tokens["output"], message.at) == ("msg_2", 20, AT + 20)


def test_a_command_that_was_posted() -> None:
    asked = {"callID": "call_1", "tool": "bash", "args": {"command": "make"}}
    [start] = told(post("tool.execute.before", **asked))
    assert isinstance(start, CallStarted)
    output = {"title": "make", "output": "x\n", "metadata": {"output": "x\n", "exit": 3, "truncated": False}}
    [end] = told(post("tool.execute.after", **asked, output=output))
    assert isinstance(end, CallEnded)
    assert (start.call_id, start.command_line, start.at) == (end.call_id, "make", AT)
    assert (end.exit_code, end.stdout, end.at) == (3, "x\n", AT)


def test_the_id_of_a_call_is_that_of_the_database(store: Store) -> None:
    store.add(info(), answer(bash("x", 1)))
    [start] = told(post("tool.execute.before", callID="call_1", tool="bash", args={"command": "make"}))
    assert isinstance(start, CallStarted)
    assert start.call_id == only(CallStarted, AGENT.parse(store.path))[0].call_id


def test_a_tool_that_threw_was_posted() -> None:
    part = tool(status="error", error="Tool execution aborted") | {"messageID": "msg_2"}
    start, end = told(post("message.part.updated", part=part))
    assert isinstance(start, CallStarted)
    assert isinstance(end, CallEnded)
    assert (start.message_id, end.outcome) == ("msg_2", "interrupted")


def test_what_a_subagent_does_belongs_to_the_main_session() -> None:
    agent = OpenCode()
    created = post("session.created", sessionID=CHILD, info=info(CHILD, parentID=SESSION))
    begun, _ = told(created, agent)
    assert isinstance(begun, InstanceStarted)
    told(post("session.created", sessionID=GRANDCHILD, info=info(GRANDCHILD, parentID=CHILD)), agent)
    for session in (CHILD, GRANDCHILD):
        [start] = told(
            post("tool.execute.before", sessionID=session, callID="c", tool="bash", args={}), agent
        )
        assert (start.conversation_id, start.instance_id) == (SESSION, session)


def test_sessions_that_are_each_others_parents_end_somewhere() -> None:
    agent = OpenCode()
    for child, parent in ((CHILD, SESSION), (SESSION, CHILD)):
        told(post("session.created", sessionID=child, info=info(child, parentID=parent)), agent)


def test_the_end_of_a_task_is_the_end_of_its_subagent() -> None:
    output = {"title": "t", "output": "done", "metadata": {"sessionId": CHILD}}
    events = told(post("tool.execute.after", callID="c", tool="task", args={"prompt": "look"}, output=output))
    assert [type(event) for event in events] == [InstanceStarted, CallEnded, InstanceEnded]


@pytest.mark.parametrize(
    "payload",
    [
        post("session.created", info=info(parentID="x")),
        post("chat.message", messageID="m", text="x"),
        post("message.updated", info=answer()["info"]),
        post("tool.execute.before", callID="c", tool="bash", args={"command": "x"}),
        post(
            "tool.execute.after",
            callID="c",
            tool="bash",
            args={},
            output={"output": "x", "metadata": {"exit": 1}},
        ),
        post("message.part.updated", part=tool(status="error", error="x")),
    ],
)
def test_wrong_types_in_payloads_raise_nothing(payload: dict[str, Any]) -> None:
    for changed in mutations(payload):
        if isinstance(changed, dict):
            assert_all_sound(OpenCode().hook_events(changed, 5))


def test_other_payloads_say_nothing() -> None:
    assert told(post("message.part.delta")) == []
    assert told({"event": "session.created"}) == []
