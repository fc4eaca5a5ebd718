"""`acode runs tag|untag|note`: what people say of runs, whether they have ended or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from collector import clock
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import InputError, LimitError, NotFoundError
from collector.model.run import Run
from collector.record.annotations import MAX_NOTE, add_tags, remove_tags, set_note
from collector.store.annotating import annotate
from collector.tags import parse_tag

_RUNS = "id, name, beginning of either, latest, @, @1 …; several with commas: @,@1"


def _add_runs(parser: Parser) -> None:
    parser.add_argument("runs", metavar="RUN", help=_RUNS)


def _resolve(references: str, context: Context) -> list[Run]:
    """Return the runs that are named, each once; all must be understood before anything is changed."""
    runs = (context.resolve(reference) for reference in references.split(","))
    return list({run.run_id: run for run in runs}.values())


def _finish(context: Context) -> int:
    """Let what was said be in the database, if its writer is not too busy."""
    from collector.cli.context import index_waiting

    index_waiting(context.workspace)
    return 0


def _configure_tag(parser: Parser) -> None:
    _add_runs(parser)
    parser.add_argument("tags", metavar="TAG", nargs="+", help="NAME or NAME=VALUE; replaces another value")


def _tag(options: Namespace, context: Context) -> int:
    tags = dict(_parsed(options.tags))
    for run in _resolve(options.runs, context):
        annotate(context.workspace, run, lambda said: add_tags(said, tags, clock.now_ms()))
        _say("tagged", run, [f"{name}={value}" if value else name for name, value in tags.items()])
    return _finish(context)


def _parsed(tags: list[str]) -> Iterator[tuple[str, str]]:
    for tag in tags:
        try:
            yield parse_tag(tag)
        except ValueError as error:
            raise InputError("ACODE-RUN-019", str(error), "see 'acode runs tag --help'") from None


def _configure_untag(parser: Parser) -> None:
    _add_runs(parser)
    parser.add_argument(
        "tags", metavar="TAG", nargs="+", help="its name; NAME=VALUE only if that is its value"
    )


def _untag(options: Namespace, context: Context) -> int:
    names = [name for name, _ in _parsed(options.tags)]
    runs = _resolve(options.runs, context)
    for run in runs:
        for tag in options.tags:
            _refuse_untagged(run, tag)
    for run in runs:
        annotate(context.workspace, run, lambda said: remove_tags(said, names, clock.now_ms()))
        _say("untagged", run, names)
    return _finish(context)


def _refuse_untagged(run: Run, tag: str) -> None:
    name, equals, value = tag.partition("=")
    if name in run.tags and (not equals or value == run.tags[name]):
        return
    from collector.suggest import did_you_mean

    known = f"it has {', '.join(run.tags)}" if run.tags else "it has none"
    raise NotFoundError(
        "ACODE-RUN-029", f"run {run.name} has no tag {tag!r}", did_you_mean(tag, run.tags, known)
    )


def _say(what: str, run: Run, tags: list[str]) -> None:
    output.line(output.sanitize(f"{what} {run.name}: {' '.join(tags)}"))


def _configure_note(parser: Parser) -> None:
    _add_runs(parser)
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        help="replaces the note; - reads it from stdin; without it, print the note",
    )
    parser.add_argument("--clear", action="store_true", help="take the note away")


def _note(options: Namespace, context: Context) -> int:
    if options.clear and options.text is not None:
        raise InputError("ACODE-RUN-019", "--clear and TEXT exclude each other", "write one of them")
    if options.text is None and not options.clear:
        return _print_notes(_resolve(options.runs, context))
    text = None if options.clear else _checked(_read_text(options.text))
    for run in _resolve(options.runs, context):
        annotate(context.workspace, run, lambda said: set_note(said, text, clock.now_ms()))
        output.line(output.sanitize(f"{'cleared the note of' if text is None else 'noted on'} {run.name}"))
    return _finish(context)


def _print_notes(runs: list[Run]) -> int:
    for run in runs:
        if run.note is None:
            output.note(f"run {run.name} has no note")
        elif output.is_terminal():
            for text in run.note.splitlines():
                output.line(output.sanitize(text))
        else:
            output.line(run.note)
    return 0


def _read_text(text: str) -> str:
    if text != "-":
        return text
    return sys.stdin.buffer.read(MAX_NOTE + 2).decode("utf-8", "replace")


def _checked(text: str) -> str:
    text = text.rstrip()
    if not text:
        raise InputError("ACODE-RUN-019", "the note is empty", "--clear takes a note away")
    if len(text.encode("utf-8", "replace")) > MAX_NOTE:
        raise LimitError(
            "ACODE-RUN-004", f"the note is longer than {output.format_size(MAX_NOTE)}",
            "'acode artifacts collect' adds a file to a run",
        )  # fmt: skip
    return text


COMMANDS = {
    "tag": Command(_configure_tag, _tag),
    "untag": Command(_configure_untag, _untag),
    "note": Command(_configure_note, _note),
}
