"""`acode runs cast`: a run as an asciicast."""

from __future__ import annotations

import argparse

from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_run, whole_number
from collector.errors import AccessError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def configure(parser: Parser) -> None:
    """Add the options of `acode runs cast`."""
    add_run(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (default: stdout)")
    text = "of the asciicast (default: 3)"
    parser.add_argument("--format-version", type=int, choices=(2, 3), default=3, help=text)
    text = "how wide the player's terminal is (default: 80)"
    parser.add_argument("--columns", type=whole_number, default=80, metavar="N", help=text)
    parser.add_argument("--rows", type=whole_number, default=24, metavar="N", help="how high (default: 24)")
    parser.add_argument("--idle", type=_seconds, metavar="DURATION", help="shorten pauses to this")


def _seconds(text: str) -> float:
    from collector.query.times import parse_duration

    try:
        return parse_duration(text) / 1000
    except InputError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def run(options: Namespace, context: Context) -> int:
    """Write an asciicast."""
    from functools import partial

    from collector.record.asciicast import write_cast

    found = context.resolve(options.run)
    folder = context.workspace.run_folder(found.folder)
    artifacts = context.stores()[1]
    with open_output(options.output) as target:
        write_cast(
            found, folder, target, columns=options.columns or 80, rows=options.rows or 24,
            max_idle=options.idle, version=options.format_version,
            open_stream=partial(artifacts.open_as, found),
        )  # fmt: skip
        target.flush()
    return 0


def open_output(path: str | None) -> BinaryIO:
    """Open what `--output` names; stdout without it.

    Raises:
        AccessError: it cannot be written.
    """
    import os

    try:
        return os.fdopen(os.dup(1), "wb") if path is None else open(path, "wb")  # noqa: PTH123
    except OSError as error:
        raise AccessError(
            "ACODE-ART-006", f"cannot write {path}: {error.strerror}", "choose another file"
        ) from error


COMMANDS = {"cast": Command(configure, run)}
