"""`acode artifacts verify`: whether what was recorded is still what was recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from collector.cli import output
from collector.cli.chosen_runs import chosen, iter_all
from collector.cli.context import Context
from collector.cli.filters import add_filter_options, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser
from collector.cli.progress import Progress
from collector.errors import UnavailableError
from collector.model.run import Run
from collector.store.verifying import UNKNOWN, UNREADABLE, Verdict, Verifier

_CODES = {"corrupt": "ACODE-ART-012", "missing": "ACODE-ART-011", UNREADABLE: "ACODE-ART-006"}


def configure(parser: Parser) -> None:
    """Add the options of `acode artifacts verify`."""
    text = "runs by id, name or beginning, @1 …, or a filter: status:failed since:7d …"
    parser.add_argument("filter", metavar="RUN|FILTER", nargs="*", default=[], help=text)
    parser.add_argument("--run", dest="runs", metavar="RUN", action="append", default=[], help="this run")
    parser.add_argument("--all", action="store_true", help="every run")
    add_filter_options(parser)
    parser.add_argument("--json", action="store_true", help="what was found, as one JSON object")


def run(options: Namespace, context: Context) -> int:
    """Compare artifacts with their checksums; the exit status is 1 when one is not as it should be."""
    names, query = chosen(options, context, "verify")
    stores = context.find_stores()
    named = [context.resolve(name) for name in names]
    total = len(named) + (stores[0].count(query) if stores and query else 0)
    runs = _chain(named, iter_all(context, query) if query else iter(()))
    counts: Counter[str] = Counter()
    problems = []
    for verdict in _verify(runs, total, context):
        counts[verdict.state] += 1
        counts["bytes"] += verdict.artifact.size_bytes
        if verdict.is_bad:
            problems.append(_record(verdict))
            if not options.json:
                _say(verdict)
    if options.json:
        states = ("intact", "corrupt", "missing", UNREADABLE, UNKNOWN)
        found: dict[str, Any] = {"runs": total, **{state: counts[state] for state in states}}
        output.line(output.format_json({**found, "bytes": counts["bytes"], "problems": problems}))
    else:
        output.line(_summary(total, counts))
    return int(bool(problems))


def _chain(named: list[Run], more: Iterator[Run]) -> Iterator[Run]:
    yield from named
    yield from more


def _verify(runs: Iterator[Run], total: int, context: Context) -> Iterator[Verdict]:
    stores = context.find_stores()
    if stores is None:
        return
    verifier = Verifier(context.workspace, context.recorded_stores()[1])
    with Progress("verifying", in_bytes=False) as progress:
        for number, item in enumerate(runs, 1):
            try:
                verdicts, fresh = verifier.verify(item)
            except FileNotFoundError:
                continue  # it was deleted meanwhile
            _log(fresh, context)
            progress.clear()
            yield from verdicts
            progress(number, total)


def _log(fresh: list[Verdict], context: Context) -> None:
    from collector.audit import append_audit

    for verdict in fresh:
        artifact = verdict.artifact
        details = {
            "state": verdict.state, "run_id": verdict.run.run_id, "artifact_id": artifact.artifact_id,
            "checksum_sha256": artifact.checksum_sha256,
        }  # fmt: skip
        try:
            append_audit(context.workspace, "corrupt", f"{verdict.run.name}/{artifact.path}", details)
        except UnavailableError as error:
            output.note(f"acode: warning: {error}")
            return


def _record(verdict: Verdict) -> dict[str, Any]:
    artifact = verdict.artifact
    return {
        "run": verdict.run.name, "run_id": verdict.run.run_id, "artifact_id": artifact.artifact_id,
        "path": artifact.path, "state": verdict.state, "code": _CODES[verdict.state],
        "message": verdict.message,
    }  # fmt: skip


def _say(verdict: Verdict) -> None:
    output.note(f"acode: {_CODES[verdict.state]}: {verdict.run.name}: {verdict.message}")


def _summary(runs: int, counts: Counter[str]) -> str:
    artifacts = sum(counts.values()) - counts["bytes"]
    what = f"{artifacts:,} artifacts of {runs:,} runs, {output.format_size(counts['bytes'])}"
    bad = [f"{counts[state]:,} {state}" for state in _CODES if counts[state]]
    verdict = ", ".join(bad) if bad else "all that is known of them is true"
    waiting = f"; {counts[UNKNOWN]:,} have no checksum yet" if counts[UNKNOWN] else ""
    return f"{what}: {verdict}{waiting}"


COMMANDS = {"verify": Command(configure, run, negated_filters_last)}
