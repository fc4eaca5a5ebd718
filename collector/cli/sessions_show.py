"""`acode sessions show` and `follow`: a session with its tree of agents, and its runs as they come."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, whole_number
from collector.cli.sessions_list import record
from collector.errors import InputError, NotFoundError
from collector.model.query import RunQuery, Term
from collector.model.run import Run
from collector.model.session import AgentInstance, Session, iter_tree

_LABEL = 13
_RUNS = 20
_POLL_SECONDS = 0.1
_CANDIDATES = 5


def configure_show(parser: Parser) -> None:
    """Add the options of `acode sessions show`."""
    _add_session(parser)
    parser.add_argument("--json", action="store_true", help="the whole record as one JSON object")
    parser.add_argument("--prompts", action="store_true", help="only what the agent was asked for")
    parser.add_argument(
        "--limit", type=whole_number, default=_RUNS, metavar="N", help="show the last runs (default: 20)"
    )


def configure_follow(parser: Parser) -> None:
    """Add the options of `acode sessions follow`."""
    _add_session(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_session(parser: Parser) -> None:
    text = "a session's or conversation's id, the beginning of one, or latest"
    parser.add_argument("session", metavar="SESSION", nargs="?", default="latest", help=text)


def resolve_session(text: str, context: Context) -> Session:
    """Return the session that a text names.

    Raises:
        NotFoundError: there is none.
        InputError: several begin like that.
    """
    store = context.find_sessions()
    if store is not None and text in ("latest", "@"):
        from collector.store.sessions import SessionQuery

        page = store.list(SessionQuery(limit=1))
        if page.items:
            return store.get(page.items[0].session_id)
    found = store.find_matching(text, _CANDIDATES + 1) if store is not None else []
    if len(found) > 1:
        names = ", ".join(session.session_id for session in found[:_CANDIDATES])
        raise InputError("ACODE-AGT-008", f"{text!r} is the beginning of {names}", "type more of it")
    if store is None or not found:
        raise NotFoundError(
            "ACODE-AGT-007", f"no session {text!r}", "'acode sessions list' shows what there is"
        )
    return store.get(found[0].session_id)


def show(options: Namespace, context: Context) -> int:
    """Show a session."""
    session = resolve_session(options.session, context)
    if options.prompts:
        return _show_prompts(session, context, options.json)
    if options.json:
        whole = {**session.to_json(), **record(session)}
        output.line(output.format_json(whole))
        return 0
    for line in describe(session, context, options.limit):
        output.line(line)
    return 0


def describe(session: Session, context: Context, limit: int) -> Iterator[str]:
    """Yield the lines that say what is known of a session; what was recorded is sanitized."""
    color = output.has_color(context.environ)
    title = output.sanitize(f"Session: {session.title or session.session_id}")
    yield output.paint(title, "bold", color)
    yield "─" * min(output.terminal_width(context.environ) or 80, 80)
    for label, text in _facts(session):
        if text:
            yield f"{label + ':':<{_LABEL}}{output.sanitize(text)}"
    yield ""
    yield f"Agents ({len(session.instances)}):"
    for kind, depth, instance in iter_tree(session.instances):
        if kind == "instance":
            yield "  " * depth + output.sanitize(_instance_line(instance))
    runs = context.stores()[0].list(
        RunQuery((Term("session_id", (session.session_id,), "="),), limit=max(limit, 1))
    )
    yield ""
    yield f"Runs ({session.runs}, {session.failed_runs} failed; the last {min(limit, session.runs)}):"
    for run in reversed(runs.items[:limit]):
        yield "  " + run_line(run, color)


def _facts(session: Session) -> list[tuple[str, str]]:
    tokens = ", ".join(f"{kind} {count:,}" for kind, count in session.tokens.items() if count)
    agent = " ".join(filter(None, (session.agent, session.agent_version, session.model)))
    status = " ".join(filter(None, (session.status, session.end_reason, session.error)))
    return [
        ("Status", status),
        ("Id", session.session_id),
        ("Agent", agent),
        ("Team", session.team or ""),
        ("Directory", session.working_directory or ""),
        ("Branch", session.git_branch or ""),
        ("Started", "" if session.started_at is None else output.format_time(session.started_at)),
        ("Ended", "" if session.ended_at is None else output.format_time(session.ended_at)),
        ("Prompts", str(session.prompts or "")),
        ("Tokens", f"{session.tokens_used:,} ({tokens})" if tokens else ""),
        ("Cost", output.format_cost(session.cost)),
        ("Transcripts", ", ".join(str(t.get("path")) for t in session.transcripts)),
    ]


def _instance_line(instance: AgentInstance) -> str:
    name = instance.name or instance.instance_id
    known = [
        instance.role, instance.agent if instance.parent_instance_id is None else None, instance.model,
        instance.status if instance.status != "unknown" else None,
        f"{output.format_tokens(instance.tokens_used)} tokens" if instance.tokens_used else None,
        output.format_cost(instance.cost), instance.error,
    ]  # fmt: skip
    return f"{name}  {' · '.join(filter(None, known))}"


def run_line(run: Run, color: bool) -> str:
    """Return one run of a session in a line: when, how it ended, how long it took, what it was."""
    took = "" if run.duration_ms is None else output.format_duration(run.duration_ms)
    code = "" if run.exit_code is None else f"exit {run.exit_code}"
    status = output.paint(f"{run.status:<9}", run.status, color)
    moment = output.format_time(run.start_time, clock.now_ms())
    tool = run.tool or ""
    text = output.sanitize(run.command_line)
    return f"{moment}  {status}  {took:>6}  {code:<8}  {tool:<6}  {text}"


def _show_prompts(session: Session, context: Context, as_json: bool) -> int:
    from collector.record.session_folder import PROMPTS, folder_name, iter_lines

    folder = f"{context.workspace.sessions}/{folder_name(session.session_id)}"
    masking = context.masking
    prompts = [line if masking is None else masking.value(line) for _, line in iter_lines(folder, PROMPTS)]
    if as_json:
        output.line(output.format_json(prompts))
        return 0
    for prompt in prompts:
        at = prompt.get("at")
        output.line(output.format_time(at) if isinstance(at, int) else "")
        for text in str(prompt.get("text", "")).splitlines():
            output.line("  " + output.sanitize(text))
    return 0


def follow(options: Namespace, context: Context) -> int:
    """Print the runs of a session as they begin and end, until it ends or gives no sign of life."""
    from collector.daemon.launch import ensure_collector

    session = resolve_session(options.session, context)
    ensure_collector(context.workspace)
    runs, store = context.stores()[0], context.find_sessions()
    last = runs.last_event_id()
    shown = runs.list(RunQuery((Term("session_id", (session.session_id,), "="),), limit=_RUNS)).items
    for run in reversed(shown):
        _print(run, options.json, context)
    while store is not None:
        changed = {}
        for event in runs.events(last):
            last = event.event_id
            if event.kind in ("run.created", "run.finished"):
                changed[event.seq] = True
        for run in runs.by_seq(list(changed)).values():
            if run.session_id == session.session_id:
                _print(run, options.json, context)
        session = store.find(session.session_id) or session
        if session.status != "running" and not changed:
            known = "may be over" if session.status == "unknown" else session.status
            output.note(f"session {session.session_id} {known}")
            return 0
        sys.stdout.flush()
        time.sleep(_POLL_SECONDS)
    return 0


def _print(run: Run, as_json: bool, context: Context) -> None:
    if as_json:
        from json import dumps

        output.line(dumps(run.to_json(), ensure_ascii=False))
    else:
        output.line(run_line(run, output.has_color(context.environ)))


COMMANDS = {"show": Command(configure_show, show), "follow": Command(configure_follow, follow)}
