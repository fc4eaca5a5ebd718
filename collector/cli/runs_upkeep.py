"""`acode runs optimize` and `acode runs recover`: asked of the collector, or done in its place."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser


def configure_optimize(parser: Parser) -> None:
    """Add the options of `acode runs optimize`."""
    parser.add_argument("--json", action="store_true", help="sizes before and after, as one JSON object")


def optimize(options: Namespace, context: Context) -> int:
    """Keep the database fast; say what was gained."""
    from collector.daemon.control import request_optimize
    from collector.store.upkeep import measure

    path = context.workspace.database
    context.stores()
    context.close()
    before = measure(path)
    request_optimize(context.workspace)
    after = measure(path)
    if options.json:
        record = {
            "before_bytes": before.total, "after_bytes": after.total,
            "freed_bytes": max(before.total - after.total, 0), "free_bytes": after.free,
        }  # fmt: skip
        output.line(output.format_json(record))
        return 0
    sizes = f"{output.format_size(before.total)} before, {output.format_size(after.total)} now"
    output.line(f"optimized runs.db: {sizes}; its tables are sound, its statistics up to date")
    if after.free:
        output.line(
            f"{output.format_size(after.free)} in it are free for new runs, too little to write it anew"
        )
    return 0


def configure_recover(parser: Parser) -> None:
    """Add the options of `acode runs recover`."""
    parser.add_argument("--json", action="store_true", help="what was found and done, as one JSON object")


def recover(options: Namespace, context: Context) -> int:
    """Check the whole database; make it anew from the run folders where it is damaged."""
    from collector.daemon.control import request_recover
    from collector.model.query import RunQuery
    from collector.store.upkeep import set_aside

    path = context.workspace.database
    existed, kept = os.path.exists(path), set(set_aside(path))  # noqa: PTH110
    request_recover(context.workspace)
    new = [name for name in set_aside(path) if name not in kept]
    runs = context.stores()[0].count(RunQuery())
    if options.json:
        record = {"damaged": bool(new), "rebuilt": bool(new) or not existed, "kept_as": new, "runs": runs}
        output.line(output.format_json(record))
    elif new:
        output.line(f"runs.db was damaged and has been rebuilt from the run folders: {_count(runs)}")
        output.line(f"the damaged file is kept: {output.sanitize(new[-1])}")
    elif not existed:
        output.line(f"there was no runs.db; it has been made from the run folders: {_count(runs)}")
    else:
        output.line(f"runs.db is sound: {_count(runs)}; nothing had to be done")
    return 0


def _count(runs: int) -> str:
    return f"{runs:,} run" if runs == 1 else f"{runs:,} runs"


COMMANDS = {
    "optimize": Command(configure_optimize, optimize),
    "recover": Command(configure_recover, recover),
}
