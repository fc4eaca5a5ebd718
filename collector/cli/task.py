"""`acode task run NAME`: what the configuration calls by that name, recorded as `acode exec` does."""

from __future__ import annotations

import os
import sys

from collector.errors import InputError, NotFoundError

HELP = """\
usage: acode task run [OPTIONS OF exec] NAME [ARGUMENT]...

Run a task of the configuration (tasks: {build: "npm run build"}) as 'acode exec --task NAME' would.
A task with shell syntax in it is given to sh; arguments are added at its end.
'acode exec --help' lists the options.
"""
_SHELL_SYNTAX = frozenset("|&;<>()$`\\\"'*?[]#~=%!{}\n")


def main(argv: list[str], workspace: str | None = None) -> int:
    """Run `acode task`; `argv` is what follows the word. Returns the exit status."""
    if not argv or argv[0] in ("-h", "--help") or argv[1:2] in (["-h"], ["--help"]):
        sys.stdout.write(HELP)
        return 0 if argv else 2
    if argv[0] != "run":
        raise InputError("ACODE-RUN-019", f"unknown command {argv[0]!r}", "write 'acode task run NAME'")
    from collector.cli.exec import main as exec_main

    options, name, arguments = _split(argv[1:])
    command = _find(name, workspace)
    return exec_main([*options, "--task", name, "--", *command_words(command, arguments)], workspace)


def command_words(command: str, arguments: list[str]) -> list[str]:
    """Return the words to run: by a shell only where the task needs one."""
    if not _SHELL_SYNTAX & set(command):
        return [*command.split(), *arguments]
    if not arguments:
        return ["sh", "-c", command]
    return ["sh", "-c", f'{command} "$@"', "sh", *arguments]


def _split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Return the options of exec, the name of the task, and what follows it."""
    from collector.cli.exec import FLAGS

    options: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-"):
        options.append(rest.pop(0))
        if "=" not in options[-1] and options[-1] not in FLAGS and rest:
            options.append(rest.pop(0))
    if not rest:
        raise InputError("ACODE-RUN-019", "no task named", "write 'acode task run NAME'")
    return options, rest[0], rest[1:]


def _find(name: str, workspace: str | None) -> str:
    from collector.cli.context import Context

    tasks = Context(workspace, os.environ).config.tasks
    if name in tasks:
        return tasks[name]
    from collector.suggest import did_you_mean

    known = f"known are {', '.join(tasks)}" if tasks else "write tasks: {name: command} in .acode/config.yml"
    raise NotFoundError("ACODE-RUN-026", f"no task {name!r}", did_you_mean(name, tasks, known))
