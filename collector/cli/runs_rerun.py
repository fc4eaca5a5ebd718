"""`acode runs rerun`: the same command again, recorded as `acode exec` does.

A rerun has the tag `rerun=NAME` with the name of the run it repeats: a tag, not `parent_run_id`, which says
within which run a command was started, and because `tag:rerun=NAME` then finds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from collector.cli import output
from collector.cli.context import Context
from collector.cli.parsing import Command, Namespace, Parser, add_run_or_failed, run_or_failed
from collector.errors import ConflictError, InputError
from collector.model.run import Run
from collector.record.redacting import MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collector.cli.exec import Options

TAG = "rerun"
_NO_UNICODE = "\ufffd"
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_MAX_LINE = 1_000_000
"""What is as long as this was cut when it was recorded."""


def configure(parser: Parser) -> None:
    """Add the options of `acode runs rerun`."""
    add_run_or_failed(parser)
    parser.add_argument("--last-failed", action="store_true", help="the last run that failed")
    parser.add_argument("--edit", action="store_true", help="change the command first, in VISUAL or EDITOR")
    parser.add_argument("--in", dest="directory", metavar="DIR", help="run it there (default: where it ran)")
    parser.add_argument("--env-from-run", action="store_true", help="with the variables that were recorded")
    parser.add_argument("--timeout", metavar="DURATION", help="end it after 90s, 5m …")
    parser.add_argument("--imported", action="store_true", help="also what came in a bundle of somebody else")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be run")


def run(options: Namespace, context: Context) -> int:
    """Run it again; the exit status is the command's."""
    if options.run is not None and options.last_failed:
        raise InputError("ACODE-RUN-019", "RUN and --last-failed exclude each other", "write one of them")
    shown = context.resolve(run_or_failed(options.run, options.last_failed))
    found = context.stores()[0].recorded(shown)
    argv = command_of(found)
    if "imported" in found.provenance and not (options.imported or options.dry_run):
        hint = "look at it with --dry-run, then say --imported"
        raise ConflictError("ACODE-RUN-030", f"{found.name} came in a bundle; somebody else wrote it", hint)
    timeout = _seconds(options.timeout)
    directory = _directory(found, options.directory)
    if options.edit:
        argv = _edited(argv, context)
    variables = variables_of(found) if options.env_from_run else {}
    if options.dry_run:
        output.line(_shown(directory, variables, argv))
        return 0
    if os.isatty(2):
        output.note(f"acode: {_shown(directory, {}, argv)}")
    os.environ.update(variables)
    context.close()
    from collector.cli.exec import run as exec_run

    return exec_run(exec_options(found, argv, directory), context.root, timeout, None)


def command_of(run: Run) -> list[str]:
    """Return the words to run again, exactly as they were; a shell only where it was one. Pure.

    Raises:
        ConflictError: it was no command, or is not known whole.
    """
    if run.context != "host":
        raise _impossible(run, f"it ran in the context {run.context}")
    words = _words_of(run)
    if any(MARK in word for word in words):
        raise _impossible(run, "secrets in its arguments were not recorded")
    if any(_NO_UNICODE in word or "\0" in word for word in words):
        raise _impossible(run, "its arguments are not text, and were not recorded byte for byte")
    return words


def _words_of(run: Run) -> list[str]:
    kind = run.recorder.get("kind")
    if kind not in ("agent", "shim"):
        return [run.command, *run.arguments]
    if kind == "agent" and (run.tool is None or run.command == run.tool):
        raise _impossible(run, f"it was a call of {run.tool or 'a tool'}, not a command")
    if not run.command_line.strip() or len(run.command_line) >= _MAX_LINE:
        raise _impossible(run, "its command was not recorded whole")
    return [_shell(run), "-c", run.command_line]


def _shell(run: Run) -> str:
    """Return the shell that an agent's line was for: without what the agent had put around it."""
    argv = run.recorder.get("argv")
    first = argv[0] if isinstance(argv, list) and argv and isinstance(argv[0], str) else "bash"
    return first if os.path.basename(first) in _SHELLS else "bash"  # noqa: PTH119


def _impossible(run: Run, why: str) -> ConflictError:
    return ConflictError("ACODE-RUN-030", f"run {run.name} cannot be repeated: {why}")


def variables_of(run: Run) -> dict[str, str]:
    """Return the recorded variables, but for those that say which run it was."""
    return {name: value for name, value in run.environment.items() if not name.startswith("ACODE_")}


def _seconds(timeout: str | None) -> float | None:
    from collector.units import parse_duration

    return None if timeout is None else parse_duration(timeout) / 1000


def _directory(run: Run, given: str | None) -> str:
    path = run.working_directory if given is None else os.path.abspath(given)  # noqa: PTH100
    is_known = path.startswith("/") and not path.startswith("/proc/self")
    if is_known and os.path.isdir(path):  # noqa: PTH112
        return path
    why = f"the folder {path} is gone" if is_known else "it is not known in which folder it ran"
    if given is not None:
        why = f"there is no folder {given}"
    raise ConflictError("ACODE-RUN-030", f"run {run.name} cannot be repeated: {why}", "--in DIR says where")


def exec_options(run: Run, argv: list[str], directory: str) -> Options:
    """Return the options of `acode exec` that record it as the run was."""
    from collector.cli.exec import Options

    options = Options()
    options.argv = argv
    options.values = {"--task": run.task, "--type": run.type, "--cwd": directory}
    if run.task_id is not None:
        options.values["--task-id"] = run.task_id
    options.tags = {**run.tags, TAG: run.name}
    collect = run.recorder.get("collect")
    options.collects = collect is not False
    options.collect = [str(pattern) for pattern in collect] if isinstance(collect, list) else []
    return options


def _shown(directory: str, variables: Mapping[str, str], argv: list[str]) -> str:
    """Return a line that a shell would run the same way."""
    from shlex import join, quote

    words = [f"{name}={quote(value)}" for name, value in variables.items()]
    line = f"cd {quote(directory)} && {' '.join([*words, join(argv)])}"
    return output.sanitize(line) if output.is_terminal() else line


def _edited(argv: list[str], context: Context) -> list[str]:
    """Let the user change the command: of `sh -c LINE` the line, else its words, quoted as for a shell."""
    from shlex import join, split

    from collector.cli.editor import edit

    is_line = len(argv) == 3 and argv[1] == "-c" and os.path.basename(argv[0]) in _SHELLS  # noqa: PTH119
    before = argv[2] if is_line else join(argv)
    after = edit(before, "command.sh", context)
    if after == before:
        return argv
    try:
        words = [*argv[:2], after] if is_line and after.strip() else split(after)
    except ValueError as error:
        raise InputError(
            "ACODE-RUN-019", f"the command is not understood: {error}", "nothing was run"
        ) from None
    if not words:
        raise InputError("ACODE-RUN-019", "there is no command left", "nothing was run")
    return words


COMMANDS = {"rerun": Command(configure, run)}
