"""Starts the inspector: options, the first page, then the application. Prints its own errors, one line each.

Only this file and what the first page needs are loaded before something is seen.
"""

from __future__ import annotations

import os
import sys

USAGE = """usage: acode-tui [--workspace DIR] [--filter TEXT] [--theme dark|light]

Shows the recorded runs of a workspace, live.

  --workspace DIR   the workspace; without it the nearest one from the current folder upwards
  --filter TEXT     begin with a filter, such as 'status:failed since:1h'
  --theme NAME      dark or light
  --version         print the version
  --help            print this

Keys: ? shows them all, q quits.
"""
_VALUES = ("--workspace", "--filter", "--theme")
_THEMES = {"dark": "acode-dark", "light": "acode-light"}


class UsageError(Exception):
    """An option that cannot be understood."""


def run() -> None:
    """Start, and leave the process with the exit status."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run the inspector; return the exit status."""
    try:
        options = parse_options(arguments)
    except UsageError as error:
        return _complain(f"ACODE-RUN-019: {error}; 'acode-tui --help' shows the options", 2)
    if "--help" in options:
        sys.stdout.write(USAGE)
        return 0
    if "--version" in options:
        from collector import __version__

        sys.stdout.write(f"acode-tui {__version__}\n")
        return 0
    return _inspect(options)


def parse_options(arguments: list[str]) -> dict[str, str]:
    """Return the options by name; written by hand because argparse costs more than the first page.

    Raises:
        UsageError: naming the word that was not understood.
    """
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("-h", "--help"):
            return {"--help": ""}
        if name == "--version":
            return {"--version": ""}
        if name not in _VALUES:
            raise UsageError(f"unknown option {word!r}" if word[:1] == "-" else f"unexpected {word!r}")
        if not equals:
            if not rest:
                raise UsageError(f"{name} needs a value")
            value = rest.pop(0)
        options[name] = value
    if options.get("--theme", "dark") not in _THEMES:
        raise UsageError(f"no theme {options['--theme']!r}, use dark or light")
    return options


def _inspect(options: dict[str, str]) -> int:
    from acode_tui.settings import Settings
    from acode_tui.state import recall_facets, recall_theme, state_path
    from collector import Workspace, find_root

    root = options.get("--workspace") or find_root(os.getcwd(), os.environ)  # noqa: PTH109 - pathlib is slow to load
    if not os.path.isdir(root):  # noqa: PTH112 - likewise
        return _complain(f"ACODE-RUN-019: no folder {root!r}; name one with --workspace", 2)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return _complain("ACODE-RUN-019: acode-tui needs a terminal; 'acode runs list' does not", 2)
    path = state_path(os.environ)
    settings = Settings(
        workspace=Workspace(root),
        filter=options.get("--filter", ""),
        theme=_THEMES.get(options.get("--theme", ""))
        or recall_theme(path, (*_THEMES.values(),))
        or _THEMES["dark"],
        no_color=bool(os.environ.get("NO_COLOR")),
        state_path=path,
        facets=recall_facets(path),
    )
    return _show(settings)


def _show(settings: Settings) -> int:
    from acode_tui.terminal import Terminal

    terminal = Terminal(sys.stdin.fileno(), sys.stderr.fileno())
    try:
        terminal.prepare()
        return _run_app(settings, terminal)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        terminal.restore()
        if os.environ.get("ACODE_DEBUG"):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return _complain(f"ACODE-RUN-019: acode-tui failed: {what}; ACODE_DEBUG=1 shows where", 1)
    finally:
        terminal.restore()


def _run_app(settings: Settings, terminal: Terminal) -> int:
    from acode_tui.splash import paint, read_first_page
    from collector.clock import now_ms

    width, height = terminal.size()
    page = read_first_page(settings, height)
    terminal.write(paint(settings, page, width, height, now_ms()))

    import gc

    gc.disable()  # nothing that loads is garbage; `on_screen_settled` puts it on again
    from acode_tui.app import InspectorApp

    app = InspectorApp(settings, page.rows, page.has_more)
    app.run()
    if app.failure:
        terminal.restore()
        return _complain(f"ACODE-RUN-019: acode-tui failed: {app.failure}; ACODE_DEBUG=1 shows where", 1)
    return app.return_code or 0


def _complain(line: str, status: int) -> int:
    harmless = "".join(c if c.isprintable() else "?" for c in line)
    sys.stderr.write(harmless + "\n")
    return status


TYPE_CHECKING = False
if TYPE_CHECKING:
    from acode_tui.settings import Settings
    from acode_tui.terminal import Terminal

if __name__ == "__main__":
    run()
