"""`acode artifacts list|show|cat|path`: runs and their files, seen from the files."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.content_lines import add_line_options, view_of
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, add_run, chosen_format
from collector.cli.runs_content import (
    add_redact,
    choose_content,
    find_artifact,
    list_artifacts,
    show_content,
    state,
)
from collector.errors import InputError, NotFoundError
from collector.ids import is_ulid
from collector.model.artifact import Artifact
from collector.model.query import RunQuery
from collector.model.run import Run

_LIMIT = 20


def _configure_list(parser: Parser) -> None:
    text = "the run whose files to list; without it, runs with their sizes"
    parser.add_argument("run", metavar="RUN", nargs="?", help=text)
    add_format(parser)


def _list(options: Namespace, context: Context) -> int:
    if options.run is not None:
        return list_artifacts(options, context)
    if chosen_format(options) != "table" or options.fields:
        raise InputError(
            "ACODE-RUN-019", "the list of runs for programs is that of 'acode runs list'",
            "name a RUN to list its files",
        )  # fmt: skip
    stores = context.find_stores()
    runs = stores[0].list(RunQuery(limit=_LIMIT)).items if stores else ()
    if not runs:
        output.note("no runs")
        return 0
    from collector.cli.table import Column, render

    columns = [
        Column("RUN", 20), Column("TASK", 6, 1), Column("STATUS", 9), Column("DURATION", 8, 2, True),
        Column("SIZE", 8, 0, True),
    ]  # fmt: skip
    rows = [
        [run.name, run.task, run.status, output.format_duration(run.duration_ms), _size(run)] for run in runs
    ]
    width = output.terminal_width(context.environ)
    lines = render(columns, rows, width, 2, output.has_color(context.environ))
    output.write("".join(line + "\n" for line in lines))
    return 0


def _size(run: Run) -> str:
    return output.format_size(sum(artifact.stored_bytes for artifact in run.artifacts))


def _show(options: Namespace, context: Context) -> int:
    run = context.resolve(options.run)
    for label, text in (
        ("Run", run.name), ("Task", run.task), ("Status", run.status),
        ("Duration", output.format_duration(run.duration_ms)),
    ):  # fmt: skip
        output.line(f"{label}: {output.sanitize(text)}")
    output.line("\nArtifacts:")
    for artifact in context.stores()[1].by_run(run.run_id):
        output.line(output.sanitize(f"  - {artifact.path} ({output.format_size(artifact.size_bytes)})"
                                    f"{state(artifact)}"))  # fmt: skip
    return 0


def _configure_cat(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run, or an artifact's id alone")
    parser.add_argument("file", metavar="FILE", nargs="?", help="path within the run, as listed")
    add_line_options(parser)
    add_redact(parser)
    parser.add_argument("--force", action="store_true", help="show it on a terminal even if it is binary")


def _cat(options: Namespace, context: Context) -> int:
    from collector.cli.content_source import artifact_source, show_part

    artifact = _chosen(options, context)
    choose_content(options, context)
    runs = context.stores()[0]
    view = view_of(options)
    context.note_access(artifact.run_id, {"path": artifact.path})
    if view is None:
        show_content(artifact.path, context.contents().iter_content(artifact), context, options.force)
    else:
        source = artifact_source(artifact, context)
        show_part(runs.get(artifact.run_id), artifact.type, source, view, context, artifact.path)
    return 0


def _chosen(options: Namespace, context: Context) -> Artifact:
    if options.file is not None:
        return find_artifact(context.resolve(options.run), options.file)
    reference = options.run.upper()
    if is_ulid(reference) and context.stores()[1].exists(reference):
        return context.stores()[1].get(reference)
    run = context.resolve(options.run)
    raise InputError(
        "ACODE-RUN-019", f"which file of {run.name}?", f"'acode artifacts list {run.name}' lists them"
    )


def _configure_path(parser: Parser) -> None:
    add_run(parser)
    parser.add_argument("file", metavar="FILE", nargs="?", help="path within the run, as listed")


def _path(options: Namespace, context: Context) -> int:
    run = context.resolve(options.run)
    artifacts = context.stores()[1]
    if options.file is not None:
        path = artifacts.path(find_artifact(run, options.file))
    else:
        path = os.path.dirname(artifacts.path_in(run.folder, "run.json"))  # noqa: PTH120
    if not os.path.lexists(path):
        raise NotFoundError("ACODE-ART-011", f"{path} is gone", "it may have been deleted by hand")
    output.line(path if not output.is_terminal() else output.sanitize(path))
    return 0


COMMANDS = {
    "list": Command(_configure_list, _list),
    "show": Command(add_run, _show),
    "cat": Command(_configure_cat, _cat),
    "path": Command(_configure_path, _path),
}
