"""What a server counts, and the text that Prometheus reads (exposition format 0.0.4); pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


class Metric(NamedTuple):
    """A family of values; `kind` is `gauge` or `counter`."""

    name: str
    kind: str
    text: str
    values: Iterable[tuple[Labels, float]]


class Requests:
    """Counts requests, and how long they took; used by one thread."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[str, float] = {}
        self.active = 0
        self.started_at = time.time()

    def note(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request; `path` is that of the table, not what was sent."""
        self.counts[method, path, status] += 1
        self.seconds[path] = self.seconds.get(path, 0.0) + seconds

    def metrics(self) -> Iterator[Metric]:
        """Yield what was counted."""
        counts = [
            ({"method": method, "path": path, "status": str(status)}, float(count))
            for (method, path, status), count in sorted(self.counts.items())
        ]
        times = [({"path": path}, float(spent)) for path, spent in sorted(self.seconds.items())]
        yield Metric("acode_http_requests_total", "counter", "Requests that were answered.", counts)
        yield Metric("acode_http_request_seconds_total", "counter", "Time that requests took.", times)
        yield Metric("acode_http_requests_active", "gauge", "Requests at work.", [({}, self.active)])
        name = "acode_http_start_time_seconds"
        yield Metric(name, "gauge", "When the server was started.", [({}, self.started_at)])


def format_metrics(metrics: Iterable[Metric]) -> str:
    """Return the text for a scrape."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{_labels(labels)} {_number(value)}" for labels, value in metric.values]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
