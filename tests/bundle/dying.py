"""An import that dies at its n-th change of the disk, as a process that is killed there does.

    python tests/bundle/dying.py WORKSPACE BUNDLE N

Prints how many there were when it came to its end.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from collector.bundle import ImportOptions, import_bundle
from collector.workspace import Workspace

CALLS = ("open", "mkdir", "rename", "rmdir", "unlink", "link", "replace", "close", "write")


class Countdown:
    """Counts calls; dies instead of the last one."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.made = 0

    def around(self, call: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.made += 1
            if self.made == self.left:
                os._exit(9)
            return call(*arguments, **options)

        return counted


def main() -> None:
    root, bundle, number = sys.argv[1:]
    countdown = Countdown(int(number))
    for name in CALLS:
        setattr(os, name, countdown.around(getattr(os, name)))
    import_bundle(Workspace(root), bundle, ImportOptions())
    sys.stdout.write(str(countdown.made))


if __name__ == "__main__":
    main()
