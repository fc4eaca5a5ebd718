"""`acode runs show`: one run, for people or as its record."""

from __future__ import annotations

from collector.cli import output
from collector.cli.context import Context
from collector.cli.findings import finding_facts
from collector.cli.parsing import Command, Namespace, Parser, add_run_or_failed, run_or_failed
from collector.model.run import FIELDS, Run

_LABEL = 12


def configure(parser: Parser) -> None:
    """Add the options of `acode runs show`."""
    add_run_or_failed(parser)
    parser.add_argument("--json", action="store_true", help="the whole record as one JSON object")
    parser.add_argument("--artifacts", action="store_true", help="only the files, with their ids")
    parser.add_argument("--preview", action="store_true", help="also the first and last lines of the output")
    parser.add_argument(
        "--log-failed", action="store_true", help="only what made a run fail (default: @last-failed)"
    )
    parser.add_argument(
        "--fields", metavar="A,B", help="only the values of these keys, one a line; ? lists them"
    )


def run(options: Namespace, context: Context) -> int:
    """Show a run."""
    found = context.resolve(run_or_failed(options.run, options.log_failed))
    if options.log_failed:
        from collector.cli.show_parts import log_failed

        return log_failed(found, context)
    if options.artifacts:
        from collector.cli.runs_content import list_artifacts

        options.run, options.format = found.run_id, "json" if options.json else "table"
        return list_artifacts(options, context)
    from collector.cli.records import choose_fields

    fields = choose_fields(options.fields, ("schema_version", *FIELDS))
    if options.json:
        record = found.to_json()
        output.line(output.format_json(record if fields is None else {key: record[key] for key in fields}))
        return 0
    if fields is not None:
        _write_fields(found, fields)
        return 0
    for line in describe(found, context):
        output.line(line)
    if options.preview:
        from collector.cli.show_parts import write_preview

        write_preview(found, context)
    return 0


def describe(run: Run, context: Context) -> list[str]:
    """Return the lines that say what is known of a run; what was recorded is sanitized."""
    color = output.has_color(context.environ)
    width = min(output.terminal_width(context.environ) or 80, 80)
    title = output.sanitize(f"Run: {run.name}")
    lines = [output.paint(title, "bold", color), "─" * min(width, max(42, len(title)))]
    for label, text in _facts(run):
        if text:
            shown = f"\n{'':<{_LABEL}}".join(map(output.sanitize, text.splitlines()))
            if label == "Status":
                shown = output.paint(shown, run.status, color)
            lines.append(f"{label + ':':<{_LABEL}}{shown}")
    return [*lines, "", *_artifact_lines(run, context)]


def _facts(run: Run) -> list[tuple[str, str]]:
    tags = " ".join(f"{key}={value}" if value else key for key, value in run.tags.items())
    return [
        ("Status", run.status),
        ("Id", run.run_id),
        ("Command", run.command_line),
        ("Directory", run.working_directory),
        ("Exit code", "" if run.exit_code is None else str(run.exit_code)),
        ("Signal", "" if run.signal is None else str(run.signal)),
        ("Error", " ".join(filter(None, (run.error_code, run.error_message)))),
        ("Started", output.format_time(run.start_time)),
        ("Ended", "" if run.end_time is None else output.format_time(run.end_time)),
        ("Duration", "" if run.duration_ms is None else output.format_duration(run.duration_ms)),
        ("Type", run.type if run.context == "host" else f"{run.type} ({run.context})"),
        ("Session", run.session_id or ""),
        ("Task", run.task if run.task_id is None else f"{run.task} ({run.task_id})"),
        ("Parent", run.parent_run_id or ""),
        ("Agent", " ".join(filter(None, (run.agent, run.agent_version, run.model)))),
        ("Instance", run.agent_instance_id or ""),
        ("Tool", " ".join(filter(None, (run.tool, run.tool_call_id)))),
        ("Tokens", _tokens(run)),
        ("Cost", output.format_cost(run.cost)),
        ("Tags", tags),
        ("Note", run.note or ""),
        ("CPU", "" if run.cpu_ms is None else output.format_duration(run.cpu_ms)),
        ("Memory", "" if run.max_rss_bytes is None else output.format_size(run.max_rss_bytes)),
        ("Host", run.host or ""),
        *finding_facts(run),
        ("Sources", _sources(run)),
    ]


def _tokens(run: Run) -> str:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in run.tokens.items() if count)
    return f"{run.tokens_used:,} ({kinds})" if kinds else ""


def _sources(run: Run) -> str:
    """Say which channel each field came from: the recorder measured, an agent only told."""
    named = (f"{field.replace('_', ' ')}: {source}" for field, source in run.provenance.items())
    return "; ".join(sorted(named))


def _artifact_lines(run: Run, context: Context) -> list[str]:
    from collector.cli.runs_content import state

    found = context.stores()[1].by_run(run.run_id)
    lines = [f"Artifacts ({len(found)}):"]
    for number, item in enumerate(found, 1):
        size = output.format_size(item.size_bytes)
        text = f"{number}. {item.path} ({size}){state(item)}"
        lines.append("  " + output.sanitize(f"{text} - {item.description}" if item.description else text))
    return lines


def _write_fields(run: Run, fields: tuple[str, ...]) -> None:
    """Write the values of fields, one a line; what is neither text nor number as JSON."""
    from json import dumps

    record = run.to_json()
    for name in fields:
        value = record[name]
        text = value if isinstance(value, str) else "" if value is None else dumps(value, ensure_ascii=False)
        output.line(text if len(fields) == 1 and not output.is_terminal() else output.sanitize(text))


COMMANDS = {"show": Command(configure, run)}
