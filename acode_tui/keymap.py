"""Every key of the inspector, as data: bindings, the footer, the help screen and the palette come from it.

No ctrl+j, ctrl+i, ctrl+m or ctrl+enter: terminals and tmux cannot tell them from other keys.
"""

from __future__ import annotations

from acode_tui.values import NamedTuple

RUNS, RUN, SESSIONS = "runs", "run", "sessions"
ALL = (RUNS, RUN, SESSIONS)


class Key(NamedTuple):
    """One action and its keys; `footer` is what the bottom line calls it, if it has room there."""

    action: str
    keys: tuple[str, ...]
    title: str
    group: str
    screens: tuple[str, ...] = ALL
    footer: str = ""


KEYS: tuple[Key, ...] = (
    Key("move(1)", ("j", "down"), "one line down", "Move"),
    Key("move(-1)", ("k", "up"), "one line up", "Move"),
    Key("half_page(1)", ("ctrl+d",), "half a page down", "Move"),
    Key("half_page(-1)", ("ctrl+u",), "half a page up", "Move"),
    Key("page(1)", ("pagedown", "space"), "a page down", "Move"),
    Key("page(-1)", ("pageup", "b"), "a page up", "Move"),
    Key("first", ("g", "home"), "to the beginning", "Move"),
    Key("last", ("G", "end"), "to the end", "Move"),
    Key("sideways(-1)", ("left",), "to the left", "Move", (RUN,)),
    Key("sideways(1)", ("right",), "to the right", "Move", (RUN,)),
    Key("open", ("enter",), "open the run", "Runs", (RUNS,), "open"),
    Key("filter", ("slash",), "filter the runs", "Runs", (RUNS,), "filter"),
    Key("failed", ("f",), "failed runs only", "Runs", (RUNS,), "failed"),
    Key("sessions", ("s",), "sessions, their agents and runs", "Runs", (RUNS,), "sessions"),
    Key("open", ("enter",), "open or close; of a run, the viewer", "Sessions", (SESSIONS,), "open"),
    Key("unfold", ("right", "l"), "open, then go into it", "Sessions", (SESSIONS,)),
    Key("fold", ("left", "h"), "close, or go to what it is in", "Sessions", (SESSIONS,)),
    Key("sibling(1)", ("right_square_bracket",), "next session or agent", "Sessions", (SESSIONS,)),
    Key("sibling(-1)", ("left_square_bracket",), "previous session or agent", "Sessions", (SESSIONS,)),
    Key("runs", ("r",), "its runs as a list", "Sessions", (SESSIONS,), "runs"),
    Key("filter", ("slash",), "filter the sessions", "Sessions", (SESSIONS,), "filter"),
    Key("delete", ("d",), "delete the run", "Runs", ALL, "delete"),
    Key("search", ("slash",), "search in the file", "Viewer", (RUN,), "search"),
    Key("next_hit", ("n",), "next hit", "Viewer", (RUN,)),
    Key("previous_hit", ("N",), "previous hit", "Viewer", (RUN,)),
    Key("next_error", ("e",), "next line with an error", "Viewer", (RUN,), "errors"),
    Key("previous_error", ("E",), "previous line with an error", "Viewer", (RUN,)),
    Key("go_to_line", ("colon",), "go to a line", "Viewer", (RUN,), "line"),
    Key("wrap", ("w",), "wrap long lines", "Viewer", (RUN,), "wrap"),
    Key("submit", ("enter",), "search for what is typed", "Viewer", (RUN,)),
    Key("artifact(1)", ("right_square_bracket",), "next artifact", "Viewer", (RUN,)),
    Key("artifact(-1)", ("left_square_bracket",), "previous artifact", "Viewer", (RUN,)),
    Key("neighbour(-1)", ("h",), "previous run of the list", "Runs", (RUN,)),
    Key("neighbour(1)", ("l",), "next run of the list", "Runs", (RUN,), "next run"),
    Key("stream", ("o",), "stdout, stderr or both", "Viewer", ALL, "stream"),
    Key("follow", ("F",), "follow what is new", "View", ALL, "follow"),
    Key("next_pane", ("tab",), "next pane", "View"),
    Key("maximise", ("z",), "maximise the pane", "View"),
    Key("copy_command", ("y",), "copy the command", "Runs"),
    Key("theme", ("t",), "light or dark", "View"),
    Key("collector", ("C",), "collector status", "View"),
    Key("palette", ("ctrl+p",), "every action by name", "View"),
    Key("help", ("question_mark",), "this help", "View", ALL, "help"),
    Key("back", ("escape",), "go back", "View"),
    Key("leave", ("q", "ctrl+c"), "quit", "View", ALL, "quit"),
)

_SHOWN = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "esc", "pagedown": "PgDn",
    "pageup": "PgUp", "right_square_bracket": "]", "left_square_bracket": "[", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "enter": "⏎", "home": "Home", "end": "End", "space": "Space",
    "tab": "Tab",
}  # fmt: skip


def keys_for(screen: str) -> tuple[Key, ...]:
    """Return what can be done on a screen."""
    return tuple(key for key in KEYS if screen in key.screens)


def shown(key: str) -> str:
    """Return a key as people write it."""
    return _SHOWN.get(key, key)


def footer_keys(screen: str) -> list[tuple[str, str]]:
    """Return the keys that the bottom line tells about, the most useful first."""
    order = (
        "help", "open", "runs", "filter", "search", "failed", "sessions", "next_error", "stream", "follow",
    )  # fmt: skip
    keys = [key for key in keys_for(screen) if key.footer]
    keys.sort(key=lambda key: order.index(key.action) if key.action in order else len(order))
    return [(shown(key.keys[0]), key.footer) for key in keys]


def as_markdown() -> str:
    """Return docs/keys.md, which a test compares."""
    lines = ["# Keys of `acode-tui`", "", "Made from `acode_tui/keymap.py`."]
    for title, screens in (
        ("Everywhere", ALL), ("In the list of runs", (RUNS,)), ("In an open run", (RUN,)),
        ("In the tree of sessions", (SESSIONS,)),
    ):  # fmt: skip
        lines += ["", f"## {title}", "", "| key | what it does |", "|---|---|"]
        for key in KEYS:
            if key.screens == screens:
                names = " ".join(f"`{shown(name)}`" for name in key.keys)
                lines.append(f"| {names} | {key.title} |")
    return "\n".join(lines) + "\n"
