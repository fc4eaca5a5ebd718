"""`acode mcp`: lets a coding agent ask what was run here, over the Model Context Protocol."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser
from collector.errors import UnavailableError

_FORMS = ("json", "claude-code", "codex")


def configure(parser: Parser) -> None:
    """Add the options of `acode mcp`."""
    text = "print what an agent's settings need, and serve nothing: json (of most agents), claude-code, codex"
    parser.add_argument("--print-config", nargs="?", const="json", choices=_FORMS, help=text)


def run(options: Namespace, context: Context) -> int:
    """Serve on stdin and stdout until stdin ends."""
    if options.print_config:
        output.line(_config(options.print_config, context.root))
        return 0
    try:
        from collector.serve.tools import serve_stdio
    except ImportError as error:
        message = f"'acode mcp' needs {(error.name or 'more').partition('.')[0]}"
        raise UnavailableError("ACODE-RUN-039", message, "pip install 'acode-tui[mcp]'") from None
    from collector.daemon.launch import ensure_collector
    from collector.record.masking import masking_of
    from collector.serve.library import Place

    masking_of(context.config, context.environ)  # a wrong pattern is said now
    context.workspace.create()
    ensure_collector(context.workspace)
    serve_stdio(Place(context.workspace, context.config, context.environ))
    return 0


def _config(form: str, root: str) -> str:
    """Return what is to be added to an agent's settings, or the command that does it."""
    import sys

    program = os.path.join(os.path.dirname(sys.executable), "acode")  # noqa: PTH118, PTH120
    command = program if os.path.exists(program) else "acode"  # noqa: PTH110
    arguments = ["--workspace", root, "mcp"]
    if form == "claude-code":
        from shlex import join

        return join(["claude", "mcp", "add", "acode", "--", command, *arguments])
    if form == "codex":
        from json import dumps

        return f"[mcp_servers.acode]\ncommand = {dumps(command)}\nargs = {dumps(arguments)}"
    return output.format_json({"mcpServers": {"acode": {"command": command, "args": arguments}}})


COMMANDS = {"mcp": Command(configure, run)}
