"""call.json: what an agent says of a run that was recorded, handed over through the run folder.

The recorder owns run.json while the command runs, the sealer afterwards; so what a hook or a transcript
adds lies beside it until the sealer takes it into run.json. What was recorded always stays: an agent
fills gaps, and says which of its instances the run belongs to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from collector import durable
from collector.record.json_file import read_object
from collector.workspace import CALL_JSON

MAX_CALL_BYTES = 1 << 20
_OVERRULES = ("agent_instance_id", "session_id")
_FILLS = ("tool", "tool_call_id", "agent", "agent_version", "model", "tokens", "cost")
FIELDS = (*_OVERRULES, *_FILLS)


def write_call(folder: str, call: Mapping[str, Any]) -> None:
    """Leave what an agent says of a run in its folder.

    Args:
        folder: the run folder.
        call: any of `FIELDS`, and `provenance`.

    Raises:
        OSError: nothing changed.
    """
    data = json.dumps({k: v for k, v in call.items() if v not in (None, {})}, ensure_ascii=False)
    durable.replace_file(os.path.join(folder, CALL_JSON), data.encode("utf-8", "replace"), sync=False)


def read_call(folder: str) -> dict[str, Any] | None:
    """Return what an agent said of a run; None when nothing waits or it makes no sense."""
    return read_object(os.path.join(folder, CALL_JSON), MAX_CALL_BYTES)


def forget_call(folder: str, call: Mapping[str, Any]) -> None:
    """Remove what has been taken into run.json, unless something newer is there by now."""
    if read_call(folder) == call:
        durable.unlink_quietly(os.path.join(folder, CALL_JSON))


def annotated(record: dict[str, Any], call: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a record with what an agent said of it; pure, and the same when done twice."""
    if not call:
        return record
    result = dict(record)
    for name in _OVERRULES:
        if isinstance(call.get(name), str):
            result[name] = call[name]
    for name in _FILLS:
        if call.get(name) is not None and not result.get(name):
            result[name] = call[name]
    provenance = call.get("provenance")
    if isinstance(provenance, dict):
        result["provenance"] = {**provenance, **(record.get("provenance") or {})}
    return result
