"""What retention must know of a run: little, so that a million of them can go by."""

from __future__ import annotations

from collector.model.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as retention sees it.

    Times are milliseconds since 1970. `bytes` is what the disk gets back when this run is deleted after
    all that are older: content that a newer run has too counts there.
    """

    run_id: str
    name: str
    status: str
    start_time: int
    end_time: int | None
    tags: Mapping[str, str]
    bytes: int
    folder: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status == "running"

    @property
    def last_time(self) -> int:
        """When something last happened in it, as far as the record tells."""
        return self.start_time if self.end_time is None else max(self.start_time, self.end_time)
