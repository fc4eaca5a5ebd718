"""`acode artifacts stats`: how much the files of all runs take, and how much compression and links save."""

from __future__ import annotations

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser


def configure(parser: Parser) -> None:
    """Add the options of `acode artifacts stats`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: Namespace, context: Context) -> int:
    """Show what artifacts take."""
    stores = context.find_stores()
    if stores is None:
        output.note("no runs")
        return 0
    found = stores[1].statistics()
    sizes = {
        "content_bytes": found.content_bytes, "stored_bytes": found.stored_bytes,
        "disk_bytes": found.disk_bytes, "saved_by_compression": found.content_bytes - found.stored_bytes,
        "saved_by_linking": found.stored_bytes - found.disk_bytes,
    }  # fmt: skip
    if options.json:
        output.line(output.format_json({"artifacts": found.artifacts, **sizes}))
        return 0
    output.line(f"{'artifacts':<22}{found.artifacts:>12,}")
    for name, size in sizes.items():
        output.line(f"{name.replace('_bytes', '').replace('_', ' '):<22}{output.format_size(size):>12}")
    return 0


COMMANDS = {"stats": Command(configure, run)}
