"""A model that answers as a script tells it to, on the loopback, in the four dialects that agents speak.

A script is a list of steps; a step is what the model says and which tools it calls. Each request of an agent
holds the whole conversation, so the step to play is the number of times that the model has called tools since
the last prompt. Scripts are chosen by a word in that prompt, so that subagents and later turns get their own.
Requests that offer no tools (titles, summaries) and what an agent tells by itself are acknowledged.
"""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Events = Iterator[tuple[str | None, Json]]
_ASIDES = ("<system-reminder>", "(no content)", "<environment_context>", "<user_instructions>", "# AGENTS.md")
"""What agents put beside a prompt."""
_NOTICE = "<task-notification>"


@dataclass(frozen=True)
class Step:
    """One answer: `calls` are pairs of a tool's name and its input; `fail` is an HTTP status."""

    say: str = ""
    calls: tuple[tuple[str, Json], ...] = ()
    fail: int = 0


Script = dict[str, list[Step]]
"""Steps by a word of the prompt; the empty word fits every prompt."""


def to_json(script: Script) -> str:
    """Format a script for another process."""
    return json.dumps({
        word: [{"say": s.say, "calls": list(s.calls), "fail": s.fail} for s in steps]
        for word, steps in script.items()
    })  # fmt: skip


def from_json(text: str) -> Script:
    """Read what `to_json` wrote."""
    return {
        word: [Step(s["say"], tuple((name, value) for name, value in s["calls"]), s["fail"]) for s in steps]
        for word, steps in json.loads(text).items()
    }


@dataclass
class Conversation:
    """What matters of a request: the last prompt, and how often the model has called tools since."""

    prompt: str = ""
    rounds: int = 0
    offers_tools: bool = False

    def ask(self, texts: list[str]) -> None:
        """Begin a turn, unless the texts are only what an agent puts beside a prompt."""
        own = [text for text in texts if text.strip() and not text.lstrip().startswith(_ASIDES)]
        if own:
            self.prompt, self.rounds = " ".join(own), 0


@dataclass
class Model:
    """Plays a script. `requests` keeps the bodies of all requests."""

    script: Script
    requests: list[Json] = field(default_factory=list)
    _prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        """Return an id that no answer has had before; they sort in their order."""
        return f"{self._prefix}{next(self._numbers):012}"

    def answer(self, conversation: Conversation) -> Step:
        """Return the step to play."""
        if not conversation.offers_tools or _NOTICE in conversation.prompt:
            return Step("Noted.")
        words = [word for word in self.script if word and word in conversation.prompt]
        steps = self.script[words[0] if words else ""]
        return steps[conversation.rounds] if conversation.rounds < len(steps) else Step("Done.")


# Anthropic Messages


def _read_messages(body: Json) -> Conversation:
    found = Conversation(offers_tools=bool(body.get("tools")))
    for message in body["messages"]:
        content = message["content"]
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        kinds = {block["type"] for block in blocks}
        if message["role"] == "assistant":
            found.rounds += "tool_use" in kinds
        elif message["role"] == "user" and "tool_result" not in kinds:
            found.ask([block.get("text", "") for block in blocks])
    return found


def _write_messages(model: Model, step: Step, body: Json) -> Events:
    blocks: list[Json] = [{"type": "text", "text": step.say}] if step.say else []
    for name, value in step.calls:
        blocks.append({"type": "tool_use", "id": f"toolu_{model.new_id()}", "name": name, "input": value})
    usage = {"input_tokens": 100, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 5,
             "output_tokens": 10}  # fmt: skip
    message = {"id": f"msg_{model.new_id()}", "type": "message", "role": "assistant",
               "model": body["model"], "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {**usage, "output_tokens": 1}}  # fmt: skip
    yield "message_start", {"type": "message_start", "message": message}
    for index, block in enumerate(blocks):
        place = {"index": index}
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield "content_block_start", {"type": "content_block_start", **place, "content_block": empty}
        yield "content_block_delta", {"type": "content_block_delta", **place, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", **place}
    reason = "tool_use" if step.calls else "end_turn"
    yield "message_delta", {"type": "message_delta", "usage": usage,
                            "delta": {"stop_reason": reason, "stop_sequence": None}}  # fmt: skip
    yield "message_stop", {"type": "message_stop"}


# OpenAI Responses


def _read_responses(body: Json) -> Conversation:
    found = Conversation(offers_tools=bool(body.get("tools")))
    in_round = False
    for item in body["input"]:
        kind = item.get("type", "message")
        if kind.endswith("_call"):
            found.rounds += not in_round
            in_round = True
        elif kind.endswith("_output"):
            in_round = False
        elif kind == "message" and item.get("role") == "user":
            found.ask([part.get("text", "") for part in item["content"]])
    return found


def _write_responses(model: Model, step: Step, body: Json) -> Events:
    items: list[Json] = []
    if step.say:
        items.append({"type": "message", "id": f"msg_{model.new_id()}", "role": "assistant",
                      "content": [{"type": "output_text", "text": step.say, "annotations": []}]})  # fmt: skip
    for name, value in step.calls:
        number = model.new_id()
        call = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": name, "status": "completed"}
        if "raw" in value:
            items.append({"type": "custom_tool_call", **call, "input": value["raw"]})
        else:
            items.append({"type": "function_call", **call, "arguments": json.dumps(value)})
    usage = {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 10,
             "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 110}  # fmt: skip
    response = {"id": f"resp_{model.new_id()}", "object": "response", "status": "completed",
                "model": body["model"], "output": items, "usage": usage}  # fmt: skip
    yield "response.created", {"type": "response.created", "response": {**response, "output": []}}
    for index, item in enumerate(items):
        for kind in ("added", "done"):
            event = f"response.output_item.{kind}"
            yield event, {"type": event, "output_index": index, "item": item}
    yield "response.completed", {"type": "response.completed", "response": response}


# OpenAI Chat Completions


def _read_chat(body: Json) -> Conversation:
    found = Conversation(offers_tools=bool(body.get("tools")))
    for message in body["messages"]:
        if message["role"] == "assistant":
            found.rounds += bool(message.get("tool_calls"))
        elif message["role"] == "user":
            content = message["content"]
            parts = content if isinstance(content, list) else [{"text": content}]
            found.ask([part.get("text", "") for part in parts])
    return found


def _chat_message(model: Model, step: Step) -> Json:
    calls = [
        {"index": index, "id": f"call_{model.new_id()}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(value)}}
        for index, (name, value) in enumerate(step.calls)
    ]  # fmt: skip
    message: Json = {"role": "assistant", "content": step.say or None}
    return message | ({"tool_calls": calls} if calls else {})


def _write_chat(model: Model, step: Step, body: Json) -> Events:
    base = {"id": f"chatcmpl-{model.new_id()}", "created": 1, "model": body["model"]}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    reason = "tool_calls" if step.calls else "stop"
    message = _chat_message(model, step)
    if not body.get("stream"):
        choice = {"index": 0, "finish_reason": reason, "message": message}
        yield None, {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
        return
    for delta, finish in ((message, None), ({}, reason)):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield None, {**base, "object": "chat.completion.chunk", "choices": [choice]}
    yield None, {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}


# Gemini


def _read_gemini(body: Json) -> Conversation:
    found = Conversation(offers_tools=bool(body.get("tools")))
    for content in body["contents"]:
        parts = content["parts"]
        if content["role"] == "model":
            found.rounds += any("functionCall" in part for part in parts)
        elif not any("functionResponse" in part for part in parts):
            found.ask([part.get("text", "") for part in parts])
    return found


def _write_gemini(model: Model, step: Step, body: Json) -> Events:
    parts: list[Json] = [{"text": step.say}] if step.say else []
    parts += [{"functionCall": {"name": name, "args": value}} for name, value in step.calls]
    usage = {"promptTokenCount": 100, "cachedContentTokenCount": 20, "candidatesTokenCount": 10,
             "totalTokenCount": 110}  # fmt: skip
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    yield None, {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "scripted"}


Reader = Callable[[Json], Conversation]
Writer = Callable[[Model, Step, Json], Events]
_DIALECTS: dict[str, tuple[Reader, Writer]] = {
    "/messages": (_read_messages, _write_messages),
    "/responses": (_read_responses, _write_responses),
    "/chat/completions": (_read_chat, _write_chat),
    ":streamGenerateContent": (_read_gemini, _write_gemini),
    ":generateContent": (_read_gemini, _write_gemini),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        models = [{"id": "scripted", "object": "model", "type": "model", "display_name": "Scripted"}]
        self._send_json({"object": "list", "data": models})

    def do_HEAD(self) -> None:
        self._send_json({})

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        body = self._body()
        dialect = next((both for ending, both in _DIALECTS.items() if path.endswith(ending)), None)
        if dialect is None:
            self._send_json({"input_tokens": 1, "totalTokens": 1})
            return
        read, write = dialect
        self.model.requests.append({"path": path, "body": body})
        step = self.model.answer(read(body))
        if step.fail:
            self._send_json(
                {"type": "error", "error": {"type": "scripted", "message": "scripted"}}, step.fail
            )
            return
        events = list(write(self.model, step, body))
        if len(events) == 1 and "stream" not in self.path.lower() and not body.get("stream"):
            self._send_json(events[0][1])
        else:
            self._send_events(events, ends_with_word=path.endswith("/chat/completions"))

    def _body(self) -> Json:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
        value = json.loads(data or b"{}")
        return value if isinstance(value, dict) else {}

    def _send_json(self, value: Json, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _send_events(self, events: list[tuple[str | None, Json]], ends_with_word: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for name, value in events:
            head = f"event: {name}\n" if name else ""
            self.wfile.write(f"{head}data: {json.dumps(value)}\n\n".encode())
        if ends_with_word:
            self.wfile.write(b"data: [DONE]\n\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """An agent that was killed leaves its connection; that is no error here."""


def serve(script: Script) -> tuple[Model, int, Callable[[], None]]:
    """Serve a script in a thread; return the model, the port, and how to stop."""
    model = Model(script)
    handler = type("Handler", (_Handler,), {"model": model})
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return model, server.server_port, stop
