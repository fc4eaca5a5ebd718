"""`acode runs cleanup` and `acode artifacts prune`: the rules of retention, now, with a look before."""

from __future__ import annotations

import os

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.filters import add_filters, filter_query, negated_filters_last
from collector.cli.parsing import Command, Namespace, Parser, whole_number
from collector.model.frozen import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.model.query import RunQuery
    from collector.retention.policy import Policy
    from collector.retention.sweep import CleanupPlan

_RULES = ("older_than", "keep_last", "keep_daily", "keep_weekly", "max_size")


def configure(parser: Parser) -> None:
    """Add the options of `acode runs cleanup`."""
    add_filters(parser)
    _add_rules(parser)
    parser.add_argument("--orphans", action="store_true", help="folders without a run, and runs without one")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be deleted, and why")
    parser.add_argument("--yes", action="store_true", help="do not ask (asked on a terminal only)")
    parser.add_argument("--json", action="store_true", help="what is deleted and why, as one JSON object")


def _add_rules(parser: Parser) -> None:
    parser.add_argument("--older-than", metavar="T", help="what ended longer ago: 30d, 12h, '7 days'")
    text = "all but the newest N (with a filter: of those that fit)"
    parser.add_argument("--keep-last", type=whole_number, metavar="N", help=text)
    parser.add_argument(
        "--keep-daily", type=whole_number, metavar="N", help="and the newest of each of N days"
    )
    parser.add_argument("--keep-weekly", type=whole_number, metavar="N", help="and of each of N weeks")
    parser.add_argument("--max-size", metavar="SIZE", help="the oldest, until what is left takes no more")
    parser.add_argument(
        "--now", action="store_true", help="remove the files at once, without the way through the trash"
    )


def configure_prune(parser: Parser) -> None:
    """Add the options of `acode artifacts prune`."""
    parser.add_argument("--max-size", metavar="SIZE", help="how much may stay (default: as in the settings)")
    parser.add_argument("--keep", dest="keep_last", type=whole_number, metavar="N", help="keep the newest N")
    parser.add_argument("--older-than", metavar="T", help="delete what ended longer ago: 30d, '7 days'")
    parser.add_argument("--force", dest="yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be deleted, and why")
    parser.add_argument("--json", action="store_true", help="what is deleted and why, as one JSON object")


def cleanup(options: Namespace, context: Context) -> int:
    """Delete what the rules condemn: those given, else those of the settings."""
    policy = _policy(options, context)
    query = filter_query(options, clock.now_ms(), context.saved_filters)
    return _clean_up(options, context, policy, query, asks=os.isatty(0))


def prune(options: Namespace, context: Context) -> int:
    """Delete the oldest runs until what is left is no more than may be."""
    options.keep_daily = options.keep_weekly = None
    options.orphans, options.now = False, True
    policy = _policy(options, context)
    if not any(getattr(options, name) for name in _RULES):
        policy = replace(policy, max_age=0, max_count=0)
    return _clean_up(options, context, policy, None, asks=True)


def _clean_up(
    options: Namespace, context: Context, policy: Policy, query: RunQuery | None, asks: bool
) -> int:
    from collector.cli import deleting
    from collector.retention.sweep import doomed_by, plan_cleanup

    if context.find_stores() is None:
        output.line(output.format_json(_empty()) if options.json else "nothing to delete")
        return 0
    plan = plan_cleanup(context.workspace, policy, query if query and query.terms else None, options.orphans)
    if options.dry_run:
        _show(options, context, plan)
        return 0
    if not plan.verdicts and not plan.orphans:
        record = deleting.plan_record(plan) | {"dry_run": False, "removed": 0}
        output.line(output.format_json(record) if options.json else "nothing to delete")
        return 0
    if asks and not options.yes and not _confirmed(context, plan):
        output.note("nothing was deleted")
        return 1
    doomed = [*doomed_by(plan.verdicts), *plan.orphans]
    report = deleting.delete_all(
        context, doomed, "cleanup", policy.preserve_tags, keep_ms=0 if options.now else None
    )
    if options.json:
        record = deleting.plan_record(plan) | {"dry_run": False} | deleting.report_record(report)
        output.line(output.format_json(record))
    else:
        output.line(deleting.report_text(report))
    return 0


def _confirmed(context: Context, plan: CleanupPlan) -> bool:
    from collector.cli import deleting

    deleting.show_plan(plan, context, deleting.first_lines())
    output.flush()
    return deleting.confirm(f"Delete {deleting.totals(plan)}?")


def _show(options: Namespace, context: Context, plan: CleanupPlan) -> None:
    from collector.cli import deleting

    if options.json:
        output.line(output.format_json(deleting.plan_record(plan) | {"dry_run": True}))
        return
    deleting.show_plan(plan, context)
    output.line(f"would delete {deleting.totals(plan)}" if plan.bytes else "nothing to delete")


def _policy(options: Namespace, context: Context) -> Policy:
    """Return the rules that were typed; where none were, those of the settings.

    What protects is always that of the settings, but for the hour that nobody set: who types a rule knows
    what he wants to go.
    """
    from collector.retention.policy import Policy, policy_of
    from collector.units import parse_duration, parse_size

    settings = policy_of(context.config)
    given = [getattr(options, name) is not None for name in _RULES]
    if not any(given):
        return replace(Policy(), preserve_tags=settings.preserve_tags) if options.orphans else settings
    keeps = options.keep_daily is not None or options.keep_weekly is not None
    max_age = parse_duration(options.older_than) if options.older_than is not None else 0
    return Policy(
        max_age=max_age, keep_failures=max_age,
        max_size=parse_size(options.max_size) if options.max_size is not None else 0,
        keep_last=options.keep_last or 0, keep_daily=options.keep_daily or 0,
        keep_weekly=options.keep_weekly or 0,
        delete_rest=keeps or options.keep_last is not None,
        min_age=settings.min_age if _was_set(context, "runs.retention.minAge") else 0,
        preserve_tags=settings.preserve_tags,
    )  # fmt: skip


def _was_set(context: Context, name: str) -> bool:
    from collector.config import DEFAULT

    return any(key == name and origin != DEFAULT for key, _, origin in context.config.items())


def _empty() -> dict[str, object]:
    return {"runs": [], "orphans": [], "total_runs": 0, "total_bytes": 0, "removed": 0}


COMMANDS = {
    "cleanup": Command(configure, cleanup, negated_filters_last),
    "prune": Command(configure_prune, prune),
}
