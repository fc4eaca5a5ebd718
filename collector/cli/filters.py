"""Which runs a command is about: the filter language and the options that say the same, as one query."""

from __future__ import annotations

from collector.cli.parsing import Namespace, Parser
from collector.errors import InputError
from collector.model.query import RunQuery, Term
from collector.query.language import check_terms, field_keys, parse_query, parse_term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TERMS = {
    "status": ("status", "", "running, success, failed, timeout or cancelled"),
    "session": ("session", "", "begins with this session"),
    "task": ("task", "", "this task; * and ? stand for anything"),
    "command": ("cmd", "", "the command line has this in it, or fits it with * and ?"),
    "type": ("type", "", "command, build, test or generate"),
    "context": ("context", "", "host, docker or remote"),
    "agent": ("agent", "", "started by this agent: claude-code, codex …"),
    "instance": ("instance", "", "begins with this agent instance"),
    "model": ("model", "", "asked for by this model; * and ? stand for anything"),
    "regex": ("re", "", "a regular expression (RE2) matches in the command line"),
    "dir": ("dir", "", "ran in this directory; * and ? stand for anything"),
    "has": ("has", "", "has artifacts, tests, coverage, log, diff, json, stderr, tags …"),
    "tool": ("tool", "", "this tool of an agent: Bash, Edit, mcp__*"),
    "tag": ("tag", "", "has this tag: NAME or NAME=VALUE"),
    "exit_code": ("exit", "", "this exit code; >N, >=N, <N or <=N compare"),
    "duration_gt": ("duration", ">", "took longer: 500ms, 60s, 1h30m"),
    "duration_lt": ("duration", "<", "took less time"),
    "since": ("since", "", "started then or later: 1h, 7d, yesterday, 2026-01-15T10:00"),
    "until": ("until", "", "started then or earlier"),
    "last": ("since", "", "started within so long: --last 24h"),
}


def add_filters(parser: Parser) -> None:
    """Add FILTER, and the options that say the same."""
    parser.add_argument(
        "filter", metavar="FILTER", nargs="*", default=[], help="status:failed type:test since:1h …"
    )
    add_filter_options(parser)


def add_filter_options(parser: Parser, without: tuple[str, ...] = ()) -> None:
    """Add only the options, but for those that mean something else in a command."""
    names = {"since": ("--since", "--from"), "until": ("--until", "--to")}
    for option, (_, _, text) in TERMS.items():
        if option not in without:
            flags = names.get(option, ("--" + option.replace("_", "-"),))
            parser.add_argument(*flags, dest=option, action="append", metavar="X", help=text)
    if "has" not in without:
        text = "has files beside its streams: the same as --has artifacts"
        parser.add_argument(
            "--has-artifacts", dest="has", action="append_const", const="artifacts", help=text
        )


def negated_filters_last(words: list[str]) -> list[str]:
    """Move filters that begin with a dash, such as `-session:abc`, to where argparse takes them."""
    negated = [word for word in words if _is_negated_filter(word)]
    if not negated or "--" in words:
        return words
    return [*(word for word in words if word not in negated), "--", *negated]


def _is_negated_filter(word: str) -> bool:
    key, colon, _ = word[1:].partition(":")
    return word.startswith("-@") or (word.startswith("-") and bool(colon) and key.lower() in field_keys())


def filter_query(options: Namespace, now_ms: int, saved: Mapping[str, str]) -> RunQuery:
    """Return the query that options and filters mean, in the default order.

    Args:
        options: those of `add_filters`.
        now_ms: what relative times count from.
        saved: what `@name` stands for: `context.saved_filters`.

    Raises:
        InputError: naming the word or option that was not understood.
    """
    terms: list[Term] = []
    for option, (key, operator, _) in TERMS.items():
        values = getattr(options, option, None) or ()
        terms += [_term(option, key, operator + value, now_ms) for value in values]
    terms += parse_query(" ".join(getattr(options, "filter", None) or ()), now_ms, saved).terms
    check_terms(terms)
    return RunQuery(tuple(terms))


def _term(option: str, key: str, value: str, now_ms: int) -> Term:
    try:
        return parse_term(key, value, now_ms)
    except InputError as error:
        flag = "--" + option.replace("_", "-")
        message = error.message.removesuffix(" at column 1")
        raise InputError(error.code, f"{flag}: {message}", error.hint) from None
