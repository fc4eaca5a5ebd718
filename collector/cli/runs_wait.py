"""`acode runs wait`: until runs have ended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.cli.run_end import TIMED_OUT, EndWatch, exit_status
from collector.model.run import Run
from collector.workspace import RUN_JSON

_POLL_SECONDS = 0.03


def configure(parser: Parser) -> None:
    """Add the options of `acode runs wait`."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="id, name or beginning of either, latest, @, @1 …"
    )
    parser.add_argument("--any", action="store_true", help="only until the first of them has ended")
    parser.add_argument(
        "--exit-status", action="store_true", help="exit as the run did; of several, the highest"
    )
    parser.add_argument("--timeout", metavar="DURATION", help="give up after 60s, 5m … with exit status 124")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line: the record of each run that ended"
    )


def run(options: Namespace, context: Context) -> int:
    """Wait, saying of each run how it ended as soon as it has."""
    deadline = _deadline(options.timeout)
    runs = {found.run_id: found for found in map(context.resolve, options.runs)}
    waiting = [EndWatch(_folder(found, context), found) for found in runs.values()]
    worst = 0
    for ended in iter_ended(waiting, context, options.any, deadline):
        _report(ended, options.json)
        worst = max(worst, exit_status(ended))
    if waiting and not (options.any and len(waiting) < len(runs)):
        output.note(f"acode: not ended in {options.timeout}: {', '.join(w.run.name for w in waiting)}")
        return TIMED_OUT
    return worst if options.exit_status else 0


def _deadline(timeout: str | None) -> float:
    from collector.units import parse_duration

    return float("inf") if timeout is None else time.monotonic() + parse_duration(timeout) / 1000


def _folder(found: Run, context: Context) -> str:
    return os.path.dirname(context.stores()[1].path_in(found.folder, RUN_JSON))  # noqa: PTH120


def iter_ended(waiting: list[EndWatch], context: Context, first: bool, deadline: float) -> Iterator[Run]:
    """Yield runs as they end, until all have, or the first, or the time is up.

    Args:
        waiting: the runs; those that have ended are taken out.
        context: to close what was cut short.
        first: whether one is enough.
        deadline: by the monotonic clock.
    """
    while waiting:
        ended = [watch for watch in waiting if watch.has_ended()]
        for watch in ended:
            waiting.remove(watch)
            yield watch.final(context)
        left = deadline - time.monotonic()
        if (ended and first) or left <= 0:
            return
        if waiting:
            time.sleep(min(_POLL_SECONDS, left))


def _report(ended: Run, as_json: bool) -> None:
    if as_json:
        from json import dumps

        output.line(dumps(ended.to_json(), ensure_ascii=False))
    else:
        code = "" if ended.exit_code is None else f"  exit code {ended.exit_code}"
        duration = output.format_duration(ended.duration_ms)
        output.line(output.sanitize(f"{ended.name}  {ended.status}{code}  {duration}"))
    sys.stdout.flush()


COMMANDS = {"wait": Command(configure, run)}
