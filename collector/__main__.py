"""`python -m collector`, and what bin/acode starts: the way to a verb, as short as it can be."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Dispatch, and leave without the interpreter's shutdown, which costs milliseconds."""
    try:
        _dispatch(sys.argv[1:])
    except KeyboardInterrupt:  # before a command could deal with it itself
        os._exit(130)


def _dispatch(argv: list[str]) -> None:
    if argv[:1] == ["exec"]:
        from collector.cli.exec import main as exec_main

        os._exit(exec_main(argv[1:]))
    if argv[:2] in (["session", "run"], ["sessions", "run"]):
        from collector.cli.session_run import main as session_main

        os._exit(session_main(argv[2:]))
    from collector.cli.main import main

    os._exit(main(argv))  # which has written everything out


if __name__ == "__main__":
    run()
