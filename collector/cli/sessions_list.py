"""`acode sessions list`: agents' conversations, newest activity first."""

from __future__ import annotations

from collections.abc import Iterator

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.model.frozen import replace
from collector.model.session import STATUSES, Session
from collector.store.sessions import SessionQuery, SqliteSessionStore

_TABLE_LIMIT = 20
_PAGE = 200
CSV_COLUMNS = (
    "session_id", "agent", "agent_version", "model", "team", "status", "started_at", "ended_at", "runs",
    "failed_runs", "prompts", "tokens_used", "cost", "title",
)  # fmt: skip
FIELDS = (*CSV_COLUMNS, "tokens", "working_directory", "git_branch", "error", "transcripts")


def configure(parser: Parser) -> None:
    """Add the options of `acode sessions list`."""
    parser.add_argument("text", metavar="TEXT", nargs="?", help="part of the title, the id or the team")
    parser.add_argument("--agent", metavar="NAME", help="claude-code, codex, gemini …")
    parser.add_argument("--team", metavar="NAME", help="this team")
    parser.add_argument("--status", choices=STATUSES, help="running, ended, killed or unknown")
    text = f"at most so many; 0: all (default: {_TABLE_LIMIT}; all with jsonl and csv)"
    parser.add_argument("--limit", type=whole_number, metavar="N", help=text)
    add_format(parser)


def run(options: Namespace, context: Context) -> int:
    """List sessions."""
    from collector.cli.records import choose_fields, write_fields, write_records

    form = chosen_format(options)
    fields = choose_fields(options.fields, FIELDS)
    limit = options.limit
    if limit is None:
        limit = 0 if form in ("jsonl", "csv") else _TABLE_LIMIT
    found = _sessions(context.find_sessions(), _query(options), limit)
    if form == "table" and fields is not None:
        write_fields((record(session) for session in found), fields, context.environ)
    elif form == "table":
        _write_table(list(found), context)
    else:
        write_records((record(session) for session in found), form, fields, CSV_COLUMNS)
    return 0


def _query(options: Namespace) -> SessionQuery:
    return SessionQuery(options.agent, options.team, options.status, options.text, _PAGE)


def _sessions(store: SqliteSessionStore | None, query: SessionQuery, limit: int) -> Iterator[Session]:
    left = limit
    while store is not None:
        page = store.list(replace(query, limit=min(_PAGE, left) if limit else _PAGE))
        yield from page.items
        left -= len(page.items)
        if page.next_cursor is None or (limit and left <= 0):
            return
        query = replace(query, after=page.next_cursor)


def record(session: Session) -> dict[str, object]:
    """Return what a listing says of a session, with the counts over its runs."""
    whole = session.to_json()
    whole["runs"], whole["failed_runs"] = session.runs, session.failed_runs
    return {name: whole[name] for name in FIELDS}


def _write_table(sessions: list[Session], context: Context) -> None:
    from collector.cli.table import Column, render

    if not sessions:
        output.note("no sessions; 'acode sessions import --all' reads those that agents left on disk")
        return
    now_ms = clock.now_ms()
    columns = [
        Column("STATUS", 7), Column("SESSION", 12), Column("AGENT", 6, 3), Column("STARTED", 8, 1),
        Column("RUNS", 4, 1, True), Column("FAILED", 6, 2, True), Column("TOKENS", 6, 2, True),
        Column("COST", 6, 4, True), Column("TITLE", 8),
    ]  # fmt: skip
    rows = [_row(session, now_ms) for session in sessions]
    width = output.terminal_width(context.environ)
    color = output.has_color(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width, 0, color)))


def _row(session: Session, now_ms: int) -> list[str]:
    started = session.started_at or session.last_run_at
    return [
        session.status, session.session_id, session.agent or "",
        output.format_time(started, now_ms) if started else "", str(session.runs),
        str(session.failed_runs or ""), output.format_tokens(session.tokens_used),
        output.format_cost(session.cost), session.title or session.team or "",
    ]  # fmt: skip


COMMANDS = {"list": Command(configure, run)}
