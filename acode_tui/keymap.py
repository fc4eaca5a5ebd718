"""Every key of the inspector, as data: bindings, the footer, the help screen and the palette come from it.

No ctrl+j, ctrl+i, ctrl+m or ctrl+enter: terminals and tmux cannot tell them from other keys.
"""

from __future__ import annotations

from acode_tui.values import NamedTuple

RUNS, RUN, SESSIONS, STATISTICS, SEARCH = "runs", "run", "sessions", "statistics", "search"
ALL = (RUNS, RUN, SESSIONS, STATISTICS, SEARCH)
WITH_RUN = (RUNS, RUN, SESSIONS)
"""The screens that are about one run at a time."""
TEXT, TESTS, COVERAGE, LOGS, TREE = "text", "tests", "coverage", "logs", "json"
LISTED = (TESTS, COVERAGE, LOGS, TREE)
"""How a file of a run is shown: as text, or as what it holds."""
GROUPS, SLOWEST, FLAKY, STORAGE = TABLES = ("groups", "slowest", "flaky", "storage")
"""The tables of the statistics."""


class Key(NamedTuple):
    """One action and its keys; `footer` is what the bottom line calls it, if it has room there.

    `views` are those of an open run in which the bottom line tells about it; none for all.
    """

    action: str
    keys: tuple[str, ...]
    title: str
    group: str
    screens: tuple[str, ...] = ALL
    footer: str = ""
    views: tuple[str, ...] = ()


KEYS: tuple[Key, ...] = (
    Key("move(1)", ("j", "down"), "one line down", "Move"),
    Key("move(-1)", ("k", "up"), "one line up", "Move"),
    Key("half_page(1)", ("ctrl+d",), "half a page down", "Move"),
    Key("half_page(-1)", ("ctrl+u",), "half a page up", "Move"),
    Key("page(1)", ("pagedown",), "a page down", "Move"),
    Key("advance", ("space",), "a page down; in the filter pane, as enter", "Move"),
    Key("page(-1)", ("pageup", "b"), "a page up", "Move"),
    Key("first", ("g", "home"), "to the beginning", "Move"),
    Key("last", ("G", "end"), "to the end", "Move"),
    Key("sideways(-1)", ("left",), "to the left; in a tree, close or go to what it is in", "Move", (RUN,)),
    Key("sideways(1)", ("right",), "to the right; in a tree, open or go into it", "Move", (RUN,)),
    Key("open", ("enter",), "open the run", "Runs", (RUNS,), "open"),
    Key("filter", ("slash",), "filter the runs", "Runs", (RUNS,), "filter"),
    Key("order", ("O",), "sort by the next of started, took, size", "Runs", (RUNS,)),
    Key("reverse", ("I",), "sort the other way round", "Runs", (RUNS,)),
    Key("facets", ("p",), "filter pane: values and how many runs have them", "Filter", (RUNS,), "pane"),
    Key("exclude", ("minus",), "in the filter pane: leave the value out", "Filter", (RUNS,)),
    Key("save_filter", ("ctrl+s",), "save the filter under a name: @name", "Filter", (RUNS,)),
    Key("remove_saved", ("x",), "in the filter pane: remove the saved filter", "Filter", (RUNS,)),
    Key("failed", ("f",), "failed runs only", "Runs", (RUNS,), "failed"),
    Key("sessions", ("s",), "sessions, their agents and runs", "Runs", (RUNS,), "sessions"),
    Key("open", ("enter",), "open or close; of a run, the viewer", "Sessions", (SESSIONS,), "open"),
    Key("unfold", ("right", "l"), "open, then go into it", "Sessions", (SESSIONS,)),
    Key("fold", ("left", "h"), "close, or go to what it is in", "Sessions", (SESSIONS,)),
    Key("sibling(1)", ("right_square_bracket",), "next session or agent", "Sessions", (SESSIONS,)),
    Key("sibling(-1)", ("left_square_bracket",), "previous session or agent", "Sessions", (SESSIONS,)),
    Key("runs", ("r",), "its runs as a list", "Sessions", (SESSIONS,), "runs"),
    Key("filter", ("slash",), "filter the sessions", "Sessions", (SESSIONS,), "filter"),
    Key("statistics", ("S",), "statistics of the runs that match", "Runs", (RUNS,), "statistics"),
    Key("open", ("enter",), "its runs as a list", "Statistics", (STATISTICS,), "runs"),
    Key("show('groups')", ("1",), "by group", "Statistics", (STATISTICS,)),
    Key("show('slowest')", ("2",), "the slowest", "Statistics", (STATISTICS,)),
    Key(
        "show('flaky')",
        ("3",),
        "flaky commands: now they succeed, now they fail",
        "Statistics",
        (STATISTICS,),
    ),
    Key("show('storage')", ("4",), "what is stored", "Statistics", (STATISTICS,)),
    Key(
        "by(1)",
        ("right", "l"),
        "group by the next: command, program, task …",
        "Statistics",
        (STATISTICS,),
        "group by",
        (GROUPS, SLOWEST),
    ),
    Key("by(-1)", ("left", "h"), "group by the one before", "Statistics", (STATISTICS,)),
    Key(
        "sort",
        ("s",),
        "sort another way: runs, failed, rate, P50, P95 …",
        "Statistics",
        (STATISTICS,),
        "sort",
        (GROUPS, SLOWEST),
    ),
    Key(
        "period",
        ("w",),
        "another period: all, 24 hours, 7 days, 30 days",
        "Statistics",
        (STATISTICS,),
        "period",
    ),
    Key("again", ("r",), "count again", "Statistics", (STATISTICS,), "count again"),
    Key("filter", ("slash",), "filter the runs", "Statistics", (STATISTICS,)),
    Key("search_all", ("ctrl+f",), "search what runs printed and made", "Runs", (RUNS,), "search"),
    Key("open", ("enter",), "open the run at the line", "Search", (SEARCH,), "open"),
    Key("filter", ("slash", "ctrl+f"), "search for something else", "Search", (SEARCH,), "search"),
    Key("sibling(1)", ("right_square_bracket", "n"), "next run", "Search", (SEARCH,), "next run"),
    Key("sibling(-1)", ("left_square_bracket", "N"), "previous run", "Search", (SEARCH,)),
    Key("copy_command", ("y",), "copy the command of the run", "Search", (SEARCH,)),
    Key("delete", ("d",), "delete the run", "Runs", WITH_RUN, "delete"),
    Key("export", ("X",), "export: runs in a file for somebody else", "Keep", WITH_RUN),
    Key("collect", ("c",), "collect the team: all it printed and made, in one folder", "Keep", (SESSIONS,)),
    Key("import", ("i",), "import a bundle: checked first", "Keep", (RUNS,)),
    Key("clean_up", ("D",), "delete by rule: what would go, and why", "Keep", (RUNS,)),
    Key("trash", ("u",), "the trash: bring deleted runs back", "Keep", (RUNS,)),
    Key("search", ("slash",), "search", "Viewer", (RUN,), "search"),
    Key("next_hit", ("n",), "next hit; without a search, next failure", "Viewer", (RUN,)),
    Key("previous_hit", ("N",), "previous hit; without a search, previous failure", "Viewer", (RUN,)),
    Key("next_error", ("e",), "next failure: error, failed test, uncovered line", "Viewer", (RUN,), "errors"),
    Key("previous_error", ("E",), "previous failure", "Viewer", (RUN,)),
    Key("go_to_line", ("colon",), "go to a line", "Viewer", (RUN,), "line", (TEXT,)),
    Key("wrap", ("w",), "wrap long lines", "Viewer", (RUN,), "wrap", (TEXT,)),
    Key(
        "submit",
        ("enter",),
        "open or close; go where it leads; search for what is typed",
        "Viewer",
        (RUN,),
        "open",
        LISTED,
    ),
    Key("show('output')", ("1",), "output", "Views", (RUN,)),
    Key("show('tests')", ("2",), "test results", "Views", (RUN,)),
    Key("show('coverage')", ("3",), "coverage", "Views", (RUN,)),
    Key("show('logs')", ("4",), "log entries", "Views", (RUN,)),
    Key("show('json')", ("5",), "JSON; again for the next file", "Views", (RUN,)),
    Key(
        "narrow",
        ("f",),
        "failed tests only, uncovered files only, log entries of the next level",
        "Views",
        (RUN,),
        "failed",
        (TESTS, COVERAGE, LOGS),
    ),
    Key(
        "sort",
        ("s",),
        "sort another way: tests by time taken, files by path",
        "Views",
        (RUN,),
        "sort",
        (TESTS, COVERAGE),
    ),
    Key(
        "printed",
        ("p",),
        "where it was printed: a failed test, a log entry",
        "Views",
        (RUN,),
        "output",
        (TESTS, LOGS),
    ),
    Key("edit", ("v",), "the place in the source in $EDITOR", "Views", (RUN,), "edit", (TESTS, COVERAGE)),
    Key("unfold_all", ("plus",), "open everything below", "Views", (RUN,), "open all", (TREE,)),
    Key("fold_all", ("minus",), "close everything below", "Views", (RUN,)),
    Key("raw", ("r",), "as text, or as what it is", "Views", (RUN,), "text", LISTED),
    Key("copy_value", ("c",), "copy the value, name or message", "Views", (RUN,), "copy", (TREE,)),
    Key("copy_place", ("Y",), "copy where it is: JSON path, file:line", "Views", (RUN,)),
    Key("artifact(1)", ("right_square_bracket",), "next artifact", "Viewer", (RUN,)),
    Key("artifact(-1)", ("left_square_bracket",), "previous artifact", "Viewer", (RUN,)),
    Key("neighbour(-1)", ("h",), "previous run of the list", "Runs", (RUN,)),
    Key("neighbour(1)", ("l",), "next run of the list", "Runs", (RUN,), "next run"),
    Key("stream", ("o",), "stdout, stderr or both", "Viewer", WITH_RUN, "stream"),
    Key("follow", ("F",), "follow what is new", "View", WITH_RUN, "follow"),
    Key("next_pane", ("tab",), "next pane", "View"),
    Key("maximise", ("z",), "maximise the pane", "View"),
    Key("copy_command", ("y",), "copy the command", "Runs", WITH_RUN),
    Key("theme", ("t",), "light or dark", "View"),
    Key("collector", ("C",), "collector status", "View"),
    Key("palette", ("ctrl+p",), "every action by name", "View"),
    Key("help", ("question_mark",), "this help", "View", ALL, "help"),
    Key("back", ("escape",), "go back", "View"),
    Key("leave", ("q", "ctrl+c"), "quit", "View", ALL, "quit"),
)

PANE_KEYS = [("⏎", "choose"), ("-", "leave out"), ("x", "remove saved"), ("p", "close"), ("esc", "back")]
LINE_KEYS = [("⏎", "done"), ("Tab", "complete"), ("ctrl+s", "save"), ("↑↓", "history"), ("esc", "back")]
"""What the bottom line tells while the filter pane, or the filter line, has the keys."""

_SHOWN = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "esc", "pagedown": "PgDn",
    "pageup": "PgUp", "right_square_bracket": "]", "left_square_bracket": "[", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "enter": "⏎", "home": "Home", "end": "End", "space": "Space",
    "tab": "Tab", "plus": "+", "minus": "-",
}  # fmt: skip


def keys_for(screen: str) -> tuple[Key, ...]:
    """Return what can be done on a screen."""
    return tuple(key for key in KEYS if screen in key.screens)


def shown(key: str) -> str:
    """Return a key as people write it."""
    return _SHOWN.get(key, key)


def footer_keys(screen: str, view: str = TEXT) -> list[tuple[str, str]]:
    """Return the keys that the bottom line tells about, the most useful first."""
    order = (
        "help", "open", "submit", "runs", "filter", "search", "failed", "narrow", "sessions", "facets",
        "next_error", "printed", "unfold_all", "edit", "raw", "stream", "follow",
    )  # fmt: skip
    keys = [key for key in keys_for(screen) if key.footer and (not key.views or view in key.views)]
    keys.sort(key=lambda key: order.index(key.action) if key.action in order else len(order))
    return [(shown(key.keys[0]), key.footer) for key in keys]


def as_markdown() -> str:
    """Return docs/keys.md, which a test compares."""
    lines = ["# Keys of `acode-tui`", "", "Made from `acode_tui/keymap.py`."]
    for title, screens in (
        ("Everywhere", ALL), ("Wherever there is a run", WITH_RUN), ("In the list of runs", (RUNS,)),
        ("In an open run", (RUN,)),
        ("In the tree of sessions", (SESSIONS,)), ("In the statistics", (STATISTICS,)),
        ("In the search", (SEARCH,)),
    ):  # fmt: skip
        lines += ["", f"## {title}", "", "| key | what it does |", "|---|---|"]
        for key in KEYS:
            if key.screens == screens:
                names = " ".join(f"`{shown(name)}`" for name in key.keys)
                lines.append(f"| {names} | {key.title} |")
    return "\n".join(lines) + "\n"
