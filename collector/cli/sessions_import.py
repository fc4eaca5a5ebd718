"""`acode sessions import`: runs and sessions from the transcripts that agents left on disk."""

from __future__ import annotations

from pathlib import Path

from collector.cli import output
from collector.cli.context import Context, index_waiting
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import AccessError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.agents.importing import ImportReport


def configure(parser: Parser) -> None:
    """Add the options of `acode sessions import`."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", default=[], help="transcripts, or folders of them"
    )
    parser.add_argument("--agent", metavar="NAME", help="whose they are; alone: every one of this agent's")
    parser.add_argument("--all", action="store_true", help="every transcript of every agent on this machine")
    parser.add_argument("--again", action="store_true", help="read also what has not changed since")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")


def run(options: Namespace, context: Context) -> int:
    """Import transcripts."""
    from collector.agents.importing import Importer, find_sources, import_paths
    from collector.agents.known import KnownInStore

    if not options.paths and not options.agent and not options.all:
        raise InputError("ACODE-RUN-019", "nothing to import", "name a transcript, --agent NAME or --all")
    paths = [Path(path) for path in options.paths]
    for path in paths:
        if not path.exists():
            raise AccessError("ACODE-AGT-005", f"no file {path}", "check the path")
    context.workspace.create()
    surroundings = (Path(context.environ.get("HOME") or "/"), context.environ)
    sources = list(find_sources(paths, options.agent, surroundings, options.all))
    stores, sessions = context.stores(), context.find_sessions()
    if sessions is None:
        return 1
    importer = Importer(context.workspace, context.config, KnownInStore(stores[0], sessions), options.again)
    progress = _Progress(len(sources))
    report = import_paths(importer, sources, progress.show)
    progress.clear()
    index_waiting(context.workspace)
    _say(report, options.json)
    return 1 if report.problems else 0


class _Progress:
    """One line on a terminal, while many transcripts are read."""

    def __init__(self, total: int) -> None:
        import os

        self._total = total
        self._shown = os.isatty(2) and total > 1

    def show(self, report: ImportReport) -> None:
        """Say how far it is."""
        if self._shown:
            done = report.transcripts + report.unchanged
            self._write(f"\r\x1b[Kacode: {done} of {self._total} transcripts, {report.new_runs} runs")

    def clear(self) -> None:
        """Leave no trace."""
        if self._shown:
            self._write("\r\x1b[K")

    @staticmethod
    def _write(text: str) -> None:
        import os

        os.write(2, text.encode())


def _say(report: ImportReport, as_json: bool) -> None:
    if as_json:
        values = {
            "transcripts": report.transcripts, "unchanged": report.unchanged,
            "sessions": sorted(report.sessions), "runs_added": report.new_runs,
            "runs_matched": report.matched_runs, "calls_open": report.open_calls,
            "bytes_read": report.bytes_read, "problems": report.problems,
        }  # fmt: skip
        output.line(output.format_json(values))
        return
    parts = [
        f"{_count(report.transcripts, 'transcript')} read ({output.format_size(report.bytes_read)})",
        _count(len(report.sessions), "session"),
        f"{_count(report.new_runs, 'run')} added",
    ]
    if report.matched_runs:
        parts.append(f"{report.matched_runs} were recorded already")
    if report.open_calls:
        parts.append(f"{_count(report.open_calls, 'call')} not over yet (import again later)")
    if report.unchanged:
        parts.append(f"{report.unchanged} unchanged")
    output.line(", ".join(parts))
    for problem in report.problems:
        output.note(f"acode: {problem}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


COMMANDS = {"import": Command(configure, run)}
