"""`acode sessions collect` and `collections`: what the agents of a team did, in one folder."""

from __future__ import annotations

import os
from typing import Any

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format
from collector.errors import NotFoundError

_FIELDS = ("team_session_id", "status", "created_at", "artifacts_path", "totals", "started_at", "ended_at")
_SHOWN = 10


def configure_collect(parser: Parser) -> None:
    """Add the options of `acode sessions collect`."""
    parser.add_argument("team", metavar="TEAM", help="a team's session, or the name that its sessions share")
    parser.add_argument("--json", action="store_true", help="one JSON object, with all metadata")


def collect(options: Namespace, context: Context) -> int:
    """Collect a team; what is missing is said, and costs nothing else."""
    from collector.agents.teams import collect_team_artifacts

    found = collect_team_artifacts(options.team, context.workspace)
    if found["status"] == "error":
        raise NotFoundError("ACODE-AGT-016", f"{found['error']} {options.team!r}", _hint(found["error"]))
    if options.json:
        output.line(output.format_json(found))
        return 0
    totals = found["metadata"]["totals"]
    facts = f"{found['instances_count']} agents, {totals['runs']} runs, {totals['files']} files"
    output.note(f"collected {facts}, {output.format_size(totals['bytes'])}")
    problems = found["metadata"]["problems"]
    for problem in problems[:_SHOWN]:
        output.note(f"acode: warning: ACODE-AGT-017: {problem}")
    if len(problems) > _SHOWN:
        output.note(f"acode: warning: ACODE-AGT-017: {len(problems) - _SHOWN} more, see metadata.json")
    output.line(output.sanitize(found["artifacts_path"]))
    return 0


def _hint(error: str) -> str:
    return "'acode sessions list' shows what there is" if "ACODE-" not in error else ""


def configure_collections(parser: Parser) -> None:
    """Add the options of `acode sessions collections`."""
    add_format(parser)


def collections(options: Namespace, context: Context) -> int:
    """List what was collected, newest first."""
    from collector.agents.teams import list_collections
    from collector.cli.records import choose_fields, write_fields, write_records

    found = [_record(entry) for entry in list_collections(context.workspace)]
    fields = choose_fields(options.fields, _FIELDS)
    form = chosen_format(options)
    if form != "table":
        write_records(found, form, fields, _FIELDS)
    elif not found:
        output.note("nothing was collected yet; 'acode sessions collect TEAM' does it")
    elif fields is not None:
        write_fields(found, fields, context.environ)
    else:
        _write_table(found, context)
    return 0


def _record(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in _FIELDS}


def _write_table(found: list[dict[str, Any]], context: Context) -> None:
    from collector.cli.table import Column, render

    columns = [
        Column("TEAM", 8), Column("STATUS", 7), Column("COLLECTED", 19), Column("AGENTS", 6, right=True),
        Column("FILES", 5, right=True), Column("SIZE", 6, right=True), Column("FOLDER", 12, 1),
    ]  # fmt: skip
    rows = [_row(entry) for entry in found]
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))


def _row(entry: dict[str, Any]) -> list[str]:
    totals = entry["totals"] if isinstance(entry["totals"], dict) else {}
    size = totals.get("bytes")
    return [
        str(entry["team_session_id"]), str(entry["status"]), str(entry["created_at"])[:19].replace("T", " "),
        str(totals.get("instances", "")), str(totals.get("files", "")),
        output.format_size(size) if isinstance(size, int) else "",
        os.path.basename(entry["artifacts_path"]),  # noqa: PTH119
    ]  # fmt: skip


COMMANDS = {
    "collect": Command(configure_collect, collect),
    "collections": Command(configure_collections, collections),
}
