"""The top and the bottom line as spans, for the screens and for the first painted page."""

from __future__ import annotations

from acode_tui.render.format import count
from acode_tui.render.rows import Span, cells, fit
from acode_tui.render.safe import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector import Alert, CollectorStatus

BRAND = " acode "
PROMPT = "❯ "  # noqa: RUF001 - a prompt, as shells draw it
PLACEHOLDER = "type / to filter: words, status:failed, since:1h, cmd:pytest*"
WHERE_WIDTH = 40


def status_spans(facts: Sequence[Span], keys: Sequence[tuple[str, str]], width: int) -> list[Span]:
    """Return facts at the left and as many keys as there is room for at the right."""
    left: list[Span] = [(" ", "text")]
    first = cells(keys[0][0]) + cells(keys[0][1]) + 5 if keys else 0
    while len(facts) > 1 and sum(cells(text) + 3 for text, _ in facts) + first > width:
        facts = facts[:-1]
    for text, ink in facts:
        if len(left) > 1:
            left.append((" · ", "faint"))
        left.append((text, ink))
    taken = sum(cells(text) for text, _ in left)
    if taken > width - 2:
        return [(fit("".join(text for text, _ in left), width), "muted")]
    shown, room = [], width - taken - 2
    for key, label in keys:
        needed = cells(key) + 1 + cells(label) + 2
        if needed > room:
            break
        room -= needed
        shown.append((key, label))
    right: list[Span] = []
    for key, label in shown:
        right += [(key, "accent"), (f" {label}  ", "muted")]
    return [*left, (" " * (room + 2), "text"), *right]


def run_facts(total: int, is_complete: bool, filtered: bool, follow: bool) -> list[Span]:
    """Return how many rows there are, and whether new ones are followed."""
    text = count(total, "run") if is_complete else f"{total:,}+ runs"
    facts: list[Span] = [(text + (" match" if filtered and total != 1 else ""), "text")]
    if follow:
        facts.append(("following", "success"))
    return facts


def order_text(sort: str, descending: bool) -> str:
    """Return what the rows are sorted by."""
    first, last = {
        "start_time": ("newest", "oldest"), "duration_ms": ("longest", "shortest"),
        "output_bytes": ("largest output", "smallest output"),
    }[sort]  # fmt: skip
    return f"{first if descending else last} first"


def workspace_label(root: str, home: str, width: int) -> str:
    """Return a workspace's path short enough for a corner; its end tells most."""
    text = one_line(root)
    if home and (text == home or text.startswith(home + "/")):
        text = "~" + text[len(home) :]
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def collector_fact(status: CollectorStatus | None) -> Span:
    """Return how the collector is doing."""
    if status is None:
        return "collector ?", "faint"
    if not status.running:
        waiting = f", {status.pending:,} waiting" if status.pending else ""
        return f"collector off{waiting}", "timeout" if status.pending else "muted"
    if status.pending > 100:
        return f"collector busy, {status.pending:,} waiting", "running"
    return "collector on", "muted"


def alert_spans(alerts: Sequence[Alert]) -> list[Span]:
    """Return what the collector warns of, as one line."""
    if not alerts:
        return []
    more = f"   and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return [(" ▲ ", "timeout"), (one_line(alerts[0].message, 200), "text"), (f"{more}   C shows it", "muted")]
