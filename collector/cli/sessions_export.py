"""`acode sessions export`: a session in a format that other tools read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.cli.runs_cast import open_output
from collector.cli.sessions_show import resolve_session
from collector.model.frozen import replace
from collector.model.query import RunQuery, Term
from collector.model.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.agents.events import AnyEvent
    from collector.model.run import Run

_PAGE = 500


def configure(parser: Parser) -> None:
    """Add the options of `acode sessions export`."""
    text = "a session's or conversation's id, the beginning of one, or latest"
    parser.add_argument("session", metavar="SESSION", nargs="?", default="latest", help=text)
    text = "Agent Trajectory Interchange Format 1.8"
    parser.add_argument("--format", choices=("atif",), default="atif", help=text)
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (default: stdout)")


def run(options: Namespace, context: Context) -> int:
    """Export a session."""
    from collector.agents.atif import to_atif

    session = resolve_session(options.session, context)
    trajectory = to_atif(session, iter_events(session, context), runs_by_call(session, context))
    if context.masking is not None:
        trajectory = context.masking.value(trajectory)
    with open_output(options.output) as target:
        target.write(output.format_json(trajectory).encode("utf-8", "replace") + b"\n")
        target.flush()
    return 0


def iter_events(session: Session, context: Context) -> Iterator[AnyEvent]:
    """Yield what the archived transcripts of a session say, or, without any, its hooks."""
    from collector.agents.adapter import get_agent
    from collector.agents.transcripts import TranscriptFile
    from collector.clock import parse_iso
    from collector.record.session_folder import HOOKS, folder_name, iter_lines

    folder = Path(context.workspace.sessions, folder_name(session.session_id))
    for entry in session.transcripts:
        kept = entry.get("archived")
        path = folder / kept if isinstance(kept, str) else Path(str(entry.get("path")))
        file = TranscriptFile(get_agent(str(entry.get("agent"))), path)
        try:
            for events in chain(file.read(), file.finish()):
                yield from events
        except (OSError, ValueError) as error:
            output.note(f"acode: warning: ACODE-AGT-005: {path} could not be read: {error}")
    if session.transcripts:
        return
    for _, line in iter_lines(str(folder), HOOKS):
        if isinstance(line.get("payload"), dict):
            agent = get_agent(str(line.get("agent")))
            yield from agent.hook_events(line["payload"], parse_iso(str(line.get("received_at"))))


def runs_by_call(session: Session, context: Context) -> dict[str, Run]:
    """Return every run of a session that an agent's call stands behind, by the call's id."""
    store = context.stores()[0]
    query = RunQuery((Term("session_id", (session.session_id,), "="),), descending=False, limit=_PAGE)
    found: dict[str, Run] = {}
    while True:
        page = store.list(query)
        found.update({run.tool_call_id: run for run in page.items if run.tool_call_id})
        if page.next_cursor is None:
            return found
        query = replace(query, after=page.next_cursor)


COMMANDS = {"export": Command(configure, run)}
