"""The way from what was typed to a command, and the one place that prints errors."""

from __future__ import annotations

import os
import sys

from collector.cli.commands import ALIASES, FOREIGN, GROUPS, SINGLE, group_help, top_help
from collector.errors import AcodeError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from collector.cli.parsing import Command


_OPTIONS = ("--workspace", "--no-pager", "--no-redact", "--verbose", "--version", "--help")
_HELP = ("-h", "--help", "help")


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Never raises, prints at most one line about an error."""
    arguments = sys.argv[1:] if argv is None else argv
    _fill_closed_descriptors()
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _leave(130)
    except BrokenPipeError:
        return _leave(0)
    except SystemExit as error:  # argparse has printed help
        return _leave(error.code if isinstance(error.code, int) else 0)
    except AcodeError as error:
        return _leave(error.exit_status, str(error))
    except Exception as error:  # noqa: BLE001 - a user never sees a traceback
        return _leave(1, _unexpected(error))
    return status


def _fill_closed_descriptors() -> None:
    """Put /dev/null where the caller closed a standard stream, lest a file we open take its number."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)


def _leave(status: int, message: str = "") -> int:
    """Say what went wrong, and make sure that the interpreter's end cannot say it again."""
    if os.environ.get("ACODE_DEBUG") == "1" and message:
        import traceback

        traceback.print_exc()
    if message:
        from collector.cli.output import note

        note(f"acode: {message}")
    try:
        sys.stdout.flush()
    except (BrokenPipeError, OSError, ValueError):
        # What could not be written is still in the buffer: the flush at exit must not fail again.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
    return status


def _unexpected(error: Exception) -> str:
    """Say an error of the system, or of acode itself, in one line."""
    if isinstance(error, OSError):
        known = getattr(error, "error", None)  # of a KeyProblem
        if isinstance(known, AcodeError):
            return str(known)
        import errno

        code = "ACODE-ART-005" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "ACODE-ART-006"
        where = f": {error.filename}" if error.filename else ""
        return f"{code}: {error.strerror or error}{where}; run 'acode doctor'"
    kind = type(error).__name__
    return f"ACODE-RUN-005: unexpected {kind}: {error}; ACODE_DEBUG=1 shows where, please report it"


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["__complete"]:
        from collector.cli.complete import main as complete_main

        return complete_main([_clean(word) for word in arguments[1:]], os.environ)
    options, rest = _global_options(arguments)
    if "version" in options:
        from collector import __version__

        sys.stdout.write(f"acode {__version__}\n")
        return 0
    workspace = options.get("workspace")
    if not rest or rest[0] in _HELP:
        sys.stdout.write(top_help())
        return 0 if rest else 2
    name = ALIASES.get(rest[0], rest[0])
    if name == "sessions" and rest[1:2] == ["run"]:
        from collector.cli.session_run import main as session_main

        return session_main(rest[2:], workspace)
    if name in FOREIGN:
        return _foreign(name, rest[1:], workspace)
    rest = [_clean(word) for word in rest]
    if name in GROUPS:
        return _group(name, rest[1:], options)
    if name in SINGLE:
        module, text = SINGLE[name]
        return _run(module, name, name, text, rest[1:], options)
    raise _unknown("command", rest[0], [*FOREIGN, *GROUPS, *SINGLE], "acode")


def _global_options(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Take the options before the command."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] not in _HELP:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-v", "--verbose", "--version") and not equals:
            options["version" if name == "--version" else "verbose"] = "1"
        elif name in ("--no-pager", "--no-redact") and not equals:
            options[name.removeprefix("--")] = "1"
        elif name == "--workspace":
            if not equals and not rest:
                raise InputError("ACODE-RUN-019", "--workspace needs a folder", "see 'acode --help'")
            options["workspace"] = value if equals else rest.pop(0)
        else:
            raise _unknown("option", name, _OPTIONS, "acode")
    return options, rest


def _foreign(name: str, arguments: list[str], workspace: str | None) -> int:
    if name == "collector":
        from collector.cli.collector import main as collector_main

        return collector_main(arguments, workspace)
    if name == "task":
        from collector.cli.task import main as task_main

        return task_main([_clean(word) for word in arguments], workspace)
    from collector.cli.exec import main as exec_main

    return exec_main(arguments, workspace)


def _group(group: str, arguments: list[str], options: dict[str, str]) -> int:
    verbs = GROUPS[group]
    if not arguments or arguments[0] in _HELP:
        sys.stdout.write(group_help(group))
        return 0 if arguments else 2
    verb = arguments[0]
    if verb not in verbs:
        raise _unknown("command" if not verb.startswith("-") else "option", verb, verbs, f"acode {group}")
    module, text = verbs[verb]
    return _run(module, verb, f"{group} {verb}", text, arguments[1:], options)


def _run(module: str, verb: str, name: str, text: str, arguments: list[str], options: dict[str, str]) -> int:
    from collector.cli.context import Context
    from collector.cli.parsing import Parser

    command: Command = __import__(f"collector.cli.{module}", fromlist=["COMMANDS"]).COMMANDS[verb]
    parser = Parser(f"acode {name}", text[0].upper() + text[1:] + ".")
    command.configure(parser)
    parsed = parser.parse(command.prepare(arguments))
    context = Context(
        parsed.workspace or options.get("workspace"), os.environ, "verbose" in options,
        parsed.no_redact or "no-redact" in options,
    )  # fmt: skip
    if parsed.no_pager or "no-pager" in options or not os.isatty(1):
        return command.run(parsed, context)
    from collector.cli.pager import Pager, wants_pager

    if not wants_pager(name, parsed, context.environ):
        return command.run(parsed, context)
    with Pager(context.environ):
        return command.run(parsed, context)


def _unknown(kind: str, word: str, known: Iterable[str], where: str) -> InputError:
    from collector.suggest import did_you_mean

    hint = did_you_mean(word, known, f"see '{where} --help'")
    return InputError("ACODE-RUN-019", f"unknown {kind} {word!r}", hint)


def _clean(word: str) -> str:
    """Replace what is not Unicode in a word: nothing that is stored has such characters."""
    return word.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
