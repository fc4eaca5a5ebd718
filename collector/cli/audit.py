"""`acode audit`: what the audit log says, whether it is whole, and checkpoints of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import Any

from collector import clock
from collector.audit.log import ACTIONS, iter_entries
from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_format, chosen_format, whole_number
from collector.errors import AccessError, InputError

_FIELDS = ("seq", "time", "user", "host", "pid", "program", "action", "subject", "details", "uid", "hash")


def _configure_list(parser: Parser) -> None:
    parser.add_argument("--since", metavar="TIME", help="only what happened then or later: 1h, 7d, yesterday")
    parser.add_argument("--action", metavar="A,B", help=f"only these: {', '.join(ACTIONS)}")
    parser.add_argument(
        "--limit", type=whole_number, default=50, metavar="N", help="the newest N (default: 50); 0: all"
    )
    add_format(parser)


def _list(options: Namespace, context: Context) -> int:
    """Print the newest entries, newest first."""
    from collector.cli.records import choose_fields, write_fields, write_records

    fields = choose_fields(options.fields, _FIELDS)
    entries = list(deque(_chosen(options, context), maxlen=options.limit or None))[::-1]
    form = chosen_format(options)
    if form != "table":
        write_records(entries, form, fields, _FIELDS)
    elif not entries:
        output.note("nothing is in the audit log")
    elif fields is not None:
        write_fields(entries, fields, context.environ)
    else:
        _write_table(entries, context)
    return 0


def _chosen(options: Namespace, context: Context) -> Iterator[dict[str, Any]]:
    from collector.query.times import parse_time

    since = clock.format_iso(parse_time(options.since, clock.now_ms())) if options.since else ""
    actions = _actions(options.action)
    try:
        for entry in iter_entries(context.workspace):
            if str(entry["time"]) >= since and (not actions or entry["action"] in actions):
                yield entry
    except OSError as error:
        raise _unreadable(error) from None


def _actions(text: str | None) -> frozenset[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in ACTIONS:
            from collector.suggest import did_you_mean

            hint = did_you_mean(name, ACTIONS, f"known are {', '.join(ACTIONS)}")
            raise InputError("ACODE-RUN-019", f"unknown action {name!r}", hint)
    return frozenset(names)


def _write_table(entries: list[dict[str, Any]], context: Context) -> None:
    from collector.cli.records import plain
    from collector.cli.table import Column, render

    columns = [Column("SEQ", 3, right=True), Column("TIME", 19), Column("USER", 4, 2),
               Column("PROGRAM", 5, 3), Column("ACTION", 6), Column("SUBJECT", 10, 1),
               Column("DETAILS", 8, 4)]  # fmt: skip
    rows = [
        [str(e["seq"]), str(e["time"])[:19].replace("T", " "), plain(e["user"]), plain(e["program"]),
         plain(e["action"]), plain(e["subject"]), _details(e["details"])]
        for e in entries
    ]  # fmt: skip
    width = output.terminal_width(context.environ)
    output.write("".join(line + "\n" for line in render(columns, rows, width)))


def _details(details: object) -> str:
    from collector.cli.records import plain

    if not isinstance(details, dict):
        return plain(details)
    return " ".join(f"{name}={plain(value)}" for name, value in details.items())


def _configure_verify(parser: Parser) -> None:
    parser.add_argument(
        "--against", metavar="FILE", action="append", default=[], help="a checkpoint it must agree with"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _verify(options: Namespace, context: Context) -> int:
    """Check the whole chain; the exit status is 1 when something does not fit."""
    from collector.audit.checkpoint import read_checkpoint, verify_audit
    from collector.keys.signing_keys import list_trusted

    trusted = list_trusted(context.environ)
    checkpoints = [read_checkpoint(_read(path), trusted) for path in options.against]
    try:
        report = verify_audit(context.workspace, checkpoints)
    except OSError as error:
        raise _unreadable(error) from None
    problems = [
        {"file": p.file or None, "line": p.line or None, "problem": p.message} for p in report.problems
    ]
    if options.json:
        found = {"entries": report.entries, "seq": report.last.seq, "hash": report.last.hash}
        output.line(output.format_json({**found, "problems": problems}))
        return int(bool(problems))
    for path, checkpoint in zip(options.against, checkpoints, strict=True):
        signed = f"signed by {checkpoint.signer}" if checkpoint.signer else "not signed"
        output.note(f"{path}: entry {checkpoint.link.seq} of {checkpoint.time}, {signed}")
    for problem in report.problems:
        where = f"{problem.file}:{problem.line}: " if problem.file else ""
        output.note(f"acode: ACODE-RUN-036: {where}{problem.message}")
    if not problems:
        output.line(f"{report.entries} entries, whole; the last is {report.last.seq}, {report.last.hash}")
    return int(bool(problems))


def _configure_checkpoint(parser: Parser) -> None:
    parser.add_argument("--output", metavar="FILE", help="write it there instead of printing it")
    parser.add_argument("--sign", action="store_true", help="sign it with your key (acode keys)")


def _checkpoint(options: Namespace, context: Context) -> int:
    """Print where the chain is now, to be kept elsewhere."""
    from collector.audit.checkpoint import make_checkpoint, verify_audit
    from collector.keys.signing_keys import get_signing_key

    key = get_signing_key(context.environ) if options.sign else None
    try:
        report = verify_audit(context.workspace)
    except OSError as error:
        raise _unreadable(error) from None
    if report.problems:
        output.note("acode: warning: the log does not fit together; 'acode audit verify' says where")
    data = make_checkpoint(report.last, key).rstrip(b"\n") + b"\n"
    if options.output is None:
        output.write_bytes(data)
        return 0
    try:
        with open(options.output, "xb") as file:  # noqa: PTH123
            file.write(data)
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot write {options.output}: {error.strerror}", "choose another file"
        ) from None
    return 0


def _read(path: str) -> bytes:
    from collector.audit.checkpoint import MAX_CHECKPOINT_BYTES

    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(MAX_CHECKPOINT_BYTES)
    except OSError as error:
        raise AccessError("ACODE-ART-006", f"cannot read {path}: {error.strerror}", "check it") from None


def _unreadable(error: OSError) -> AccessError:
    return AccessError(
        "ACODE-ART-006", f"cannot read the audit log: {error.strerror}", "check its permissions"
    )


COMMANDS = {
    "list": Command(_configure_list, _list),
    "verify": Command(_configure_verify, _verify),
    "checkpoint": Command(_configure_checkpoint, _checkpoint),
}
