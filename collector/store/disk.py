"""How full the disk is, and when that is too full."""

from __future__ import annotations

import os

from collector.model.frozen import dataclass

_LOW_BYTES = 256 << 20
_LOW_SHARE = 20


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: its size and what is free for us, in bytes."""

    total: int
    free: int

    @property
    def low(self) -> int:
        """What should be free at least: 256 MiB, on a small disk a twentieth of it."""
        return min(_LOW_BYTES, self.total // _LOW_SHARE)

    @property
    def is_low(self) -> bool:
        """Whether less is free than should be."""
        return self.free < self.low

    @property
    def missing(self) -> int:
        """How much must be freed to have twice what should be free at least; 0 when it is."""
        return max(0, 2 * self.low - self.free)


def disk_of(path: str) -> Disk:
    """Measure the file system of a path. Raises OSError."""
    found = os.statvfs(path)
    return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
