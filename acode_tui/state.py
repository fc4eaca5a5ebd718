"""What the inspector remembers between starts: the theme, the filters that were typed, the filter pane.

One small JSON file, `acode/tui.json` in the user's state folder. It is never worth an error: a file that
cannot be read is as good as none, one that cannot be written is left.
"""

from __future__ import annotations

import os

from acode_tui.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_FILTERS = 100
FACETS_FROM, FACETS_BY_ITSELF = 110, 180
"""From so many columns on the filter pane is there if it was wanted, and if nobody has said anything."""
_MAX_BYTES = 256 * 1024


class Remembered(NamedTuple):
    """What is in the file; a theme is a palette's name, the newest filter is the last.

    `facets` says whether the filter pane was open; None when nobody has opened or closed it.
    """

    theme: str = ""
    filters: tuple[str, ...] = ()
    facets: bool | None = None


def state_path(environ: Mapping[str, str]) -> str:
    """Return where the file is (XDG base directories, 0.8), or an empty string where there is no place."""
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - pathlib is slow to load
        home = environ.get("HOME", "")
        base = f"{home}/.local/state" if home else ""
    return f"{base}/acode/tui.json" if base else ""


def recall_theme(path: str, themes: Sequence[str]) -> str:
    """Return the theme that was on last, without the price of reading JSON."""
    text = _read(path)
    # Within a string the quotation marks would be escaped.
    return next((theme for theme in themes if f'"theme": "{theme}"' in text), "")


def recall_facets(path: str) -> bool | None:
    """Return whether the filter pane was open, likewise; None when nobody has opened or closed it."""
    text = _read(path)
    return next((value for value in (True, False) if f'"facets": {str(value).lower()}' in text), None)


def facets_are_open(width: int, wanted: bool | None) -> bool:
    """Return whether the filter pane is open at the start, on a terminal of so many columns."""
    if width < FACETS_FROM:
        return False
    return width >= FACETS_BY_ITSELF if wanted is None else wanted


def recall(path: str) -> Remembered:
    """Return what was remembered; nothing for a file that is not ours."""
    import json

    try:
        found = json.loads(_read(path) or "{}")
        filters = [text for text in found.get("filters", []) if isinstance(text, str)]
        facets = found.get("facets")
        return Remembered(
            str(found.get("theme", "")),
            tuple(filters[-MAX_FILTERS:]),
            facets if isinstance(facets, bool) else None,
        )
    except (ValueError, AttributeError, TypeError):
        return Remembered()


def remember(path: str, theme: str = "", filter_text: str = "", facets: bool | None = None) -> None:
    """Keep what is given, beside what another inspector has kept meanwhile."""
    if not path:
        return
    before = recall(path)
    filters = [text for text in before.filters if text != filter_text]
    if filter_text:
        filters.append(filter_text)
    is_open = before.facets if facets is None else facets
    _write(path, Remembered(theme or before.theme, tuple(filters[-MAX_FILTERS:]), is_open))


def _read(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return ""
    try:
        return os.read(fd, _MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _write(path: str, state: Remembered) -> None:
    """Replace the file as a whole, so that nobody ever reads half of it."""
    import json

    kept: dict[str, object] = {"theme": state.theme, "filters": list(state.filters)}
    if state.facets is not None:
        kept["facets"] = state.facets
    text = json.dumps(kept, indent=1) + "\n"
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)  # noqa: PTH103, PTH120 - as above
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(temporary, path)  # noqa: PTH105 - as above
    except (OSError, ValueError):
        return
