"""What a check of `acode doctor` finds, and how findings of many checks are gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from collector.cli.context import Context
from collector.errors import AcodeError
from collector.workspace import Workspace

OK, WARN, FAIL = "ok", "warn", "fail"


class Finding:
    """One line: how it is, what was looked at, what to do about it; `fix` does that where it is safe."""

    __slots__ = ("advice", "fix", "level", "name", "text")

    def __init__(
        self, level: str, name: str, text: str, advice: str = "", fix: Callable[[], None] | None = None
    ) -> None:
        self.level = level
        self.name = name
        self.text = text
        self.advice = advice
        self.fix = fix


Check = Callable[[Workspace, Context], Iterable[Finding]]


def run_checks(checks: Iterable[Check], workspace: Workspace, context: Context) -> Iterator[Finding]:
    """Yield what the checks find; one that cannot look says so and keeps none of the others from looking."""
    for look in checks:
        name = look.__name__.removeprefix("check_")
        try:
            yield from look(workspace, context)
        except AcodeError as error:
            yield Finding(FAIL, name, error.message, error.hint)
        except OSError as error:
            yield Finding(FAIL, name, f"cannot be looked at: {error}", "check its permissions")
