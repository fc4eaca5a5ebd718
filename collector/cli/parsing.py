"""Options: argparse with this product's errors, and the groups that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from collector.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from collector.cli.context import Context

Namespace = argparse.Namespace

# argparse would translate its half of a message, and read catalogues from the disk for it.
argparse._ = str  # type: ignore[attr-defined]
_HELP_WIDTH = 100


class _Formatter(argparse.HelpFormatter):
    """Says how wide help is instead of asking `shutil`, which costs as much as argparse itself."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        if not (columns.isascii() and columns.isdigit()):
            columns = str(os.get_terminal_size(1).columns) if os.isatty(1) else ""
        width = min(int(columns[:4] or _HELP_WIDTH), _HELP_WIDTH)
        super().__init__(prog, max_help_position=26, width=max(width - 2, 30))


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line with a code, and which option was probably meant."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=_Formatter,
            conflict_handler="resolve",
        )  # fmt: skip
        self.add_argument("--workspace", metavar="DIR", help="the workspace to look into")
        self.add_argument("--no-pager", action="store_true", help=argparse.SUPPRESS)
        self.add_argument("--no-redact", action="store_true", help=argparse.SUPPRESS)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing usage and exiting."""
        raise InputError("ACODE-RUN-019", message, f"see '{self.prog} --help'")

    def parse(self, argv: Sequence[str]) -> Namespace:
        """Parse everything, or say which word was not expected."""
        options, extra = self.parse_known_args(_join_negative(argv))
        if not extra:
            return options
        if not extra[0].startswith("-") or extra[0] == "-":
            self.error(f"unexpected argument {extra[0]!r}")
        from collector.suggest import did_you_mean

        word = extra[0].partition("=")[0]
        hint = did_you_mean(word, self.option_names(), f"see '{self.prog} --help'")
        raise InputError("ACODE-RUN-019", f"unknown option {word!r}", hint)

    def actions(self) -> list[argparse.Action]:
        """Return every option and argument there is."""
        return [
            action for action in self._actions if action.help != argparse.SUPPRESS and action.dest != "help"
        ]

    def option_names(self) -> list[str]:
        """Return every option there is."""
        return [name for action in self.actions() for name in action.option_strings]

    def names_with_value(self) -> list[str]:
        """Return the options that a value follows."""
        return [name for action in self._actions if action.nargs != 0 for name in action.option_strings]

    def positional_names(self) -> list[str]:
        """Return what each argument without a dash is called."""
        return [str(action.metavar or action.dest) for action in self._actions if not action.option_strings]


def _join_negative(argv: Sequence[str]) -> list[str]:
    """Tie `--since -7d` together: argparse takes only plain numbers for negative values."""
    words: list[str] = []
    for word in argv:
        follows = words and words[-1].startswith("--") and len(words[-1]) > 2 and "=" not in words[-1]
        if follows and word[:1] == "-" and word[1:2].isdigit():
            words[-1] += "=" + word
        else:
            words.append(word)
    return words


def show_option(parser: Parser, name: str, text: str) -> None:
    """Say in help what an option does in this command that every command has."""
    for action in parser._actions:
        if action.dest == name:
            action.help = text


def is_repeatable(action: argparse.Action) -> bool:
    """Tell whether an option adds to a list each time it is given."""
    return isinstance(action, argparse._AppendAction)


_RUN = "id, name, beginning of either, latest, @, @1, @last-failed or @FILTER"


def add_run_or_failed(parser: Parser) -> None:
    """Add the argument that names a run where its default depends on an option: see `run_or_failed`."""
    parser.add_argument("run", metavar="RUN", nargs="?", help=_RUN)


def run_or_failed(run: str | None, wants_failed: bool) -> str:
    """Return which run is meant. An empty name is one, of no run: a script's variable was not set."""
    if run is not None:
        return run
    return "@last-failed" if wants_failed else "latest"


def add_run(parser: Parser, default: str | None = "latest") -> None:
    """Add the argument that names a run."""
    if default is None:
        parser.add_argument("run", metavar="RUN", help=_RUN)
    else:
        parser.add_argument("run", metavar="RUN", nargs="?", default=default, help=_RUN)


def add_format(parser: Parser, fields: bool = True) -> None:
    """Add the options every listing has."""
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="how to print"
    )
    if fields:
        parser.add_argument("--fields", metavar="A,B", help="only these keys of each record; ? lists them")


def chosen_format(options: Namespace) -> str:
    """Return the format that was asked for."""
    return "json" if options.json else str(options.format)


def whole_number(text: str) -> int:
    """Parse the value of an option that counts something."""
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


class Command:
    """A command: how its options are set up, and what it does.

    Args:
        configure: adds the options to a parser.
        run: does it; returns the exit status.
        prepare: changes the words before they are parsed.
    """

    __slots__ = ("configure", "prepare", "run")

    def __init__(
        self,
        configure: Callable[[Parser], None],
        run: Callable[[Namespace, Context], int],
        prepare: Callable[[list[str]], list[str]] = list,
    ) -> None:
        self.configure = configure
        self.run = run
        self.prepare = prepare
