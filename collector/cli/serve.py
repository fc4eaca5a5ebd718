"""`acode serve`: the recorded runs over HTTP, for programs of this machine."""

from __future__ import annotations

import os

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, whole_number
from collector.errors import InputError, UnavailableError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DEFAULT_PORT = 8377


def configure(parser: Parser) -> None:
    """Add the options of `acode serve`."""
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="listen there (127.0.0.1)")
    text = f"listen on this port; 0: any that is free ({_DEFAULT_PORT})"
    parser.add_argument("--port", type=whole_number, default=_DEFAULT_PORT, metavar="N", help=text)
    text = "another name that clients call this machine by; may be given more than once"
    parser.add_argument("--name", action="append", default=[], metavar="NAME", help=text)
    text = "where the token is, or will be made (.acode/serve.token)"
    parser.add_argument("--token-file", metavar="FILE", help=text)
    parser.add_argument("--show-token", action="store_true", help="print the token, and serve nothing")
    parser.add_argument("--read-only", action="store_true", help="take nothing in, collect nothing")
    parser.add_argument(
        "--openapi", action="store_true", help="print the OpenAPI document, and serve nothing"
    )


def run(options: Namespace, context: Context) -> int:
    """Serve until stopped."""
    from collector.serve.token import ensure_token, token_file

    if options.openapi:
        return _print_openapi()
    if options.port > 65535:
        raise InputError("ACODE-RUN-019", f"there is no port {options.port}", "write 0 to 65535")
    workspace = context.workspace
    workspace.create()
    path = os.path.abspath(options.token_file) if options.token_file else token_file(workspace)  # noqa: PTH100
    token = ensure_token(path)
    if options.show_token:
        output.line(token)
        return 0
    return _serve(options, context, path, token)


def _serve(options: Namespace, context: Context, path: str, token: str) -> int:
    try:
        from collector.serve import server
    except ImportError as error:
        raise _not_installed(error) from None
    from collector.audit import append_audit
    from collector.daemon.launch import ensure_collector
    from collector.record.masking import masking_of
    from collector.serve.access import Access
    from collector.serve.library import Place

    listener = server.listen(options.host, options.port)
    port = listener.getsockname()[1]
    if options.host not in _LOOPBACK:
        output.note(
            f"acode: warning: {options.host} can be reached from other machines, and what is sent is not "
            "encrypted: put a proxy with TLS before it, or use ssh -L"
        )
    masking_of(context.config, context.environ)  # a wrong pattern is said now
    where = f"{options.host}:{port}"
    append_audit(context.workspace, "serve", where, {"read_only": options.read_only}, context.config)
    ensure_collector(context.workspace)
    names = [*options.name, *([] if options.host in _LOOPBACK else [options.host])]
    access = Access(token, port, names, options.read_only)
    place = Place(context.workspace, context.config, context.environ)

    def say(address: str) -> None:
        output.note(f"acode: serving {context.root} on {address}; the token is in {path}")

    server.serve(listener, place, access, say)
    return 0


def _not_installed(error: ImportError) -> UnavailableError:
    name = (error.name or "more").partition(".")[0]
    message = f"'acode serve' needs {name}"
    return UnavailableError("ACODE-RUN-039", message, "pip install 'acode-tui[serve]'")


def _print_openapi() -> int:
    try:
        from collector.serve.openapi import document
        from collector.serve.routes import ENDPOINTS
    except ImportError as error:
        raise _not_installed(error) from None
    output.line(output.format_json(document(ENDPOINTS)))
    return 0


COMMANDS = {"serve": Command(configure, run)}
