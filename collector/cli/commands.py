"""Every command, what it does in a line, and the module that holds it. Importing this costs nothing.

A group's module is imported only when one of its commands is called, and `--help` is made from this
table alone: with everything imported, a listing would take twice as long to start.
"""

from __future__ import annotations

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "runs": {
        "list": ("runs_list", "list runs, newest first, all or those that fit a filter"),
        "show": ("runs_show", "show everything about a run"),
        "why": ("runs_why", "say why a run failed, and what changed since it worked"),
        "stdout": ("runs_content", "print what a run wrote to stdout"),
        "stderr": ("runs_content", "print what a run wrote to stderr"),
        "output": ("runs_content", "print both streams as they came"),
        "follow": ("runs_follow", "print a run's output live until it ends"),
        "wait": ("runs_wait", "wait until runs have ended"),
        "artifacts": ("runs_content", "list the files of a run"),
        "artifact": ("runs_content", "print or save one file of a run"),
        "rerun": ("runs_rerun", "run the command of a run again"),
        "tag": ("runs_annotate", "tag runs: NAME or NAME=VALUE"),
        "untag": ("runs_annotate", "take tags away from runs"),
        "note": ("runs_annotate", "write a note about a run"),
        "delete": (
            "runs_change",
            "delete runs with all their files: those named, or those that fit a filter",
        ),
        "trash": ("runs_trash", "list deleted runs that can come back"),
        "undelete": ("runs_trash", "bring deleted runs back, with tags and notes"),
        "cleanup": ("runs_cleanup", "delete what the rules of retention condemn, showing why"),
        "reindex": ("runs_change", "rebuild the database from the run folders"),
        "optimize": ("runs_upkeep", "keep the database fast, and give back what deleted runs left free"),
        "recover": (
            "runs_upkeep",
            "check the database, and rebuild it from the run folders where it is damaged",
        ),
        "export": ("bundle_export", "pack runs into a bundle for somebody else, secrets masked"),
        "verify": ("bundle_import", "check a bundle, and change nothing"),
        "import": ("bundle_import", "take the runs of a bundle into this workspace"),
        "stats": ("runs_stats", "say what many runs amount to: success, durations, trends, what is flaky"),
        "diff": ("runs_diff", "show what differs between two runs"),
        "compare": ("runs_compare", "show several runs side by side, and what changed"),
        "cast": ("runs_cast", "write a run as an asciicast, which asciinema and others play"),
    },
    "sessions": {
        "list": ("sessions_list", "list agents' conversations, newest activity first"),
        "show": ("sessions_show", "show a session: its agents, tokens, cost and runs"),
        "follow": ("sessions_show", "print a session's runs live until it ends"),
        "import": ("sessions_import", "read the transcripts that agents left on disk"),
        "export": ("sessions_export", "write a session for other tools"),
        "collect": ("sessions_collect", "put what the agents of a team did into one folder"),
        "collections": ("sessions_collect", "list what was collected of teams"),
    },
    "artifacts": {
        "list": ("artifacts", "list runs with their sizes, or the files of one run"),
        "show": ("artifacts", "show a run and its files"),
        "cat": ("artifacts", "print one file of a run"),
        "open": ("artifacts_open", "open a file of a run in your editor"),
        "path": ("artifacts", "print where a run's folder, or one file of it, lies"),
        "preview-redaction": ("artifacts_redaction", "show what would be masked in a run or file"),
        "verify": ("artifacts_verify", "compare files with their checksums, and flag what is damaged"),
        "stats": ("artifacts_stats", "say how much the files of all runs take"),
        "collect": ("artifacts_collect", "add a file to a run"),
        "prune": ("runs_cleanup", "delete the oldest runs until what is left is no more than may be"),
        "migrate": ("artifacts_collect", "move run folders into folders of days, or back"),
    },
    "query": {
        "save": ("query", "save a filter under a name, for @NAME"),
        "list": ("query", "list saved filters"),
        "show": ("query", "print a saved filter"),
        "remove": ("query", "forget a saved filter"),
    },
    "hooks": {
        "install": ("hooks", "install acode in the settings of coding agents"),
        "uninstall": ("hooks", "take it out again, leaving the settings as they were"),
        "status": ("hooks", "show in which agents' settings acode is installed"),
    },
    "audit": {
        "list": ("audit", "show who read, exported, imported or deleted what, newest first"),
        "verify": ("audit", "check that nobody has changed the audit log"),
        "checkpoint": ("audit", "print where the audit log is now, to be kept elsewhere"),
    },
    "keys": {
        "list": ("keys_trust", "list the keys that encrypt, that sign, and those you trust"),
        "create": ("keys", "make a key that encrypts what is recorded, or one that signs"),
        "rotate": ("keys", "make a new key, and bring every encrypted file under it"),
        "rewrap": ("keys", "bring every encrypted file under the current key"),
        "encrypt": ("keys", "encrypt the files of runs that were recorded before"),
        "export": ("keys", "print a key, to keep a copy of it"),
        "import": ("keys", "add a key that is read from stdin"),
        "remove": ("keys", "forget a key that no file needs any more"),
        "trust": ("keys_trust", "believe signatures of somebody's key"),
        "untrust": ("keys_trust", "believe them no longer"),
    },
    "config": {
        "show": ("config", "show every setting and where its value came from"),
        "get": ("config_edit", "print the value of a setting"),
        "set": ("config_edit", "change a setting in its file, and nothing else there"),
        "unset": ("config_edit", "take a setting out of its file"),
        "init": ("config", "write a settings file with every setting explained"),
    },
}
"""The commands with verbs: group, verb, module below `collector.cli`, what it does."""

SINGLE: dict[str, tuple[str, str]] = {
    "serve": ("serve", "serve the recorded runs over HTTP, on this machine"),
    "mcp": ("mcp", "let a coding agent ask what was run here, over MCP on stdin and stdout"),
    "search": ("search", "search what runs wrote, newest first"),
    "completion": ("completion", "print or install what lets bash, zsh or fish complete acode"),
    "doctor": ("doctor", "check everything, and say what to do"),
    "demo": ("demo", "record some real commands in a temporary workspace and look at them"),
}
"""The commands without verbs."""

FOREIGN: dict[str, str] = {
    "exec": "run a command as if acode were not there, and record it",
    "session run": "start an agent and record everything it does",
    "task": "run a task of the configuration the same way: task run NAME",
    "collector": "the daemon that indexes runs: run, start, stop, status, logs",
}
"""The commands that parse their own options."""

ALIASES = {"queries": "query", "run": "runs", "artifact": "artifacts", "session": "sessions"}

_OPTIONS = """\
options:
  --workspace DIR   the workspace to look into (default: the nearest .acode, else .git, upwards)
  --no-pager        print long output at once
  -v, --verbose     say more about what is done
  --version         print the version
  -h, --help        this text; every command has its own

environment: NO_COLOR, CLICOLOR_FORCE, COLUMNS, ACODE_PAGER, PAGER,
             ACODE_WORKSPACE, ACODE_DEBUG=1 (show tracebacks)
"""


def global_options() -> list[tuple[str, str]]:
    """Return the options that stand before a command, and what they do."""
    lines = [line.strip().split("  ") for line in _OPTIONS.splitlines() if line.startswith("  -")]
    return [(parts[0].split(", ")[-1].split()[0], parts[-1].strip()) for parts in lines]


def top_help() -> str:
    """Return what `acode --help` prints."""
    lines = ["usage: acode [--workspace DIR] [--no-pager] [-v] COMMAND [ARGUMENT]...", ""]
    lines += ["acode records the commands that agents, scripts and people run, and shows them.", ""]
    lines += [_entry(name, text) for name, text in FOREIGN.items()]
    for group, verbs in GROUPS.items():
        lines.append("")
        lines += [_entry(f"{group} {verb}", text) for verb, (_, text) in verbs.items()]
    lines.append("")
    lines += [_entry(name, text) for name, (_, text) in SINGLE.items()]
    return "\n".join(lines) + "\n\n" + _OPTIONS


def group_help(group: str) -> str:
    """Return what `acode GROUP --help` prints."""
    lines = [f"usage: acode {group} VERB [ARGUMENT]...", ""]
    lines += [_entry(verb, text) for verb, (_, text) in GROUPS[group].items()]
    lines += [_entry(name.partition(" ")[2], text) for name, text in FOREIGN.items() if _is_of(name, group)]
    return "\n".join(lines) + f"\n\n'acode {group} VERB --help' lists a verb's options.\n"


def _is_of(name: str, group: str) -> bool:
    word, _, verb = name.partition(" ")
    return bool(verb) and ALIASES.get(word, word) == group


def _entry(name: str, text: str) -> str:
    return f"  {name:<16}  {text}"
