"""Secrets in what is recorded: which rules hold in a workspace, how records and arguments are masked.

`runs.redact` says where: `never`, `display` (what is stored is as it came, what is shown is masked) or
`store` (no secret reaches the disk). The engine is `collector/redaction`; it is imported here, and only when
there is something to look for, because `acode exec` does without it unless it stores masked.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from collector.config import Config
    from collector.record.recorder import Plan
    from collector.redaction import Rules

MARK = "[REDACTED:"
NEVER, DISPLAY, STORE = "never", "display", "store"
_KEPT = frozenset({
    "schema_version", "run_id", "name", "status", "start_time", "end_time", "artifact_id", "created_at",
    "modified_at", "checksum_sha256", "content_type", "encoding", "type", "context", "source",
    "session_id", "parent_run_id", "agent_instance_id", "tool_call_id", "conversation_id", "boot_id",
    "error_code", "kind", "provenance", "instance_id", "parent_instance_id", "conversation_ids", "agent",
    "model", "tool",
})  # fmt: skip
"""What a record is known by; these are ids, times and words of acode's own."""


def mode_of(config: Config) -> str:
    """Return where secrets are masked: `never`, `display` or `store`."""
    return str(config.get("runs.redact"))


def rules_of(config: Config, environ: Mapping[str, str]) -> Rules | None:
    """Return what is looked for in a workspace; None where nothing is to be masked.

    Args:
        config: of the workspace.
        environ: variables whose values are secrets if their names say so.

    Raises:
        InputError: a pattern of the configuration is none.
    """
    return None if mode_of(config) == NEVER else configured_rules(config, environ)


def configured_rules(config: Config, environ: Mapping[str, str]) -> Rules:
    """Return what would be looked for, whatever the mode. Raises InputError as `rules_of` does."""
    from collector.redaction import build_rules, secret_values

    names = _words(config.get("runs.redactEnvironment"))
    patterns = config.get("runs.redactPatterns")
    return build_rules(
        patterns if isinstance(patterns, dict) else {},
        _words(config.get("runs.redactAllow")),
        secret_values(environ, names),
    )


def rules_anyway(config: Config, environ: Mapping[str, str]) -> Rules | None:
    """Return what `rules_of` does; a pattern that is none lets no secret pass that the others find."""
    from collector.errors import InputError

    try:
        return rules_of(config, environ)
    except InputError:
        from collector.redaction import build_rules, secret_values

        return build_rules(known=secret_values(environ, _words(config.get("runs.redactEnvironment"))))


def store_rules(config: Config, environ: Mapping[str, str]) -> Rules | None:
    """Return what must not reach the disk; None where things are stored as they come."""
    return rules_anyway(config, environ) if mode_of(config) == STORE else None


def _words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def mask_value(value: Any, rules: Rules) -> Any:
    """Return a JSON value in which every text, keys too, is masked; ids and times stay as they are."""
    from collector.redaction import mask_text

    return _walk(value, lambda text: mask_text(text, rules))


def _walk(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(key): _item(key, item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, mask) for item in value]
    return value


def _item(key: str, item: Any, mask: Callable[[str], str]) -> Any:
    """A key may be what tells that its value is a secret."""
    if key in _KEPT:
        return item
    if not isinstance(item, str) or not item:
        return _walk(item, mask)
    both = mask(f"{key}={item}")
    return both.removeprefix(f"{key}=") if both.startswith(f"{key}=") else mask(item)


def count_secrets(value: Any, rules: Rules) -> dict[str, int]:
    """Return how often each rule finds something in the texts of a JSON value, all looked at in one pass."""
    from collector.redaction import find_secrets

    counts: dict[str, int] = {}
    for found in find_secrets("\n".join(_iter_texts(value)).encode("utf-8", "replace"), rules):
        counts[found.rule] = counts.get(found.rule, 0) + (not found.is_rest)
    return counts


def _iter_texts(value: Any) -> Iterator[str]:
    """Yield what masking would look at, a list of words also as the line they make."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key not in _KEPT:
                yield f"{key}={item}"
            elif key not in _KEPT:
                yield key
                yield from _iter_texts(item)
    elif isinstance(value, list | tuple):
        if value and isinstance(value[0], str):
            yield " ".join([item for item in value if isinstance(item, str)])
        for item in value:
            yield from _iter_texts(item)


def mask_arguments(arguments: Iterable[str], rules: Rules) -> list[str]:
    """Return a command's words, masked as one line: `--password` tells of the word behind it.

    What is found from the end of one word to the beginning of another is masked in each.
    """
    from collector.redaction import find_secrets

    words = [str(word).encode("utf-8", "surrogateescape") for word in arguments]
    found = [(f.start, f.end, f.rule) for f in find_secrets(b" ".join(words), rules)]
    masked, place = [], 0
    for word in words:
        own = [(s - place, e - place, r) for s, e, r in found if s < place + len(word) and e > place]
        masked.append(_replaced(word, own).decode("utf-8", "surrogateescape"))
        place += len(word) + 1
    return masked


def _replaced(data: bytes, spans: list[tuple[int, int, str]]) -> bytes:
    for start, end, rule in sorted(spans, reverse=True):
        data = data[: max(0, start)] + marker(rule) + data[max(0, end) :]
    return data


def marker(rule: str) -> bytes:
    """Return what stands for a secret."""
    return f"{MARK}{rule}]".encode()


def mask_plan(plan: Plan, rules: Rules) -> None:
    """Mask what is known of a run before it starts, but for its environment, of which some is chosen."""
    from collector.redaction import mask_text

    plan.argv = mask_arguments(plan.argv, rules)
    plan.working_directory = mask_text(plan.working_directory, rules)
    plan.tags = {key: mask_text(value, rules) for key, value in plan.tags.items()}
    if plan.command_line is not None:
        plan.command_line = mask_text(plan.command_line, rules)
    if plan.task is not None:
        plan.task = mask_text(plan.task, rules)
    if plan.collect:
        plan.collect = [mask_text(pattern, rules) for pattern in plan.collect]
