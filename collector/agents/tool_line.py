"""What to show of a call that is no command: the tool with its main argument, on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from collector.agents.values import text

_MAIN_ARGUMENTS = (
    "file_path", "filePath", "absolute_path", "path", "dir_path", "pattern", "query", "url", "message",
    "prompt", "description", "task_name", "target", "agent_name", "name", "id",
)  # fmt: skip
_MAX_SHOWN = 400


def tool_line(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a tool with its main argument, or with all of them when none stands out."""
    for key in _MAIN_ARGUMENTS:
        if (value := text(arguments.get(key))) is not None:
            return f"{name} {one_line(value)}"
    if not arguments:
        return name
    return f"{name} {one_line(json.dumps(arguments, ensure_ascii=False))}"


def one_line(value: str) -> str:
    """Return the beginning of a text, without line ends."""
    line = " ".join(value[: _MAX_SHOWN + 1].split())
    return line if len(value) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}\u2026"
