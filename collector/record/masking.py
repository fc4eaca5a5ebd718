"""Secrets in what is shown: runs, texts and contents with every secret masked, the stored bytes untouched.

Sealing notes what to show of a record, and where in a content secrets are: it may have known values, of
variables, that whoever looks at the run later does not.

What was looked through and is not flagged since its run was sealed is shown as it is, and the engine is not
even loaded for it.
"""

from __future__ import annotations

from collector.model.frozen import replace
from collector.record.masked_content import masked_content, noted_places
from collector.record.redacting import (
    NEVER,
    configured_rules,
    count_secrets,
    mask_arguments,
    mask_value,
    mode_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    from collector.config import Config
    from collector.model.artifact import Artifact
    from collector.model.run import Run
    from collector.model.session import Session
    from collector.redaction import Rules

_SESSION_TEXTS = ("title", "error", "end_reason", "working_directory", "git_branch", "team")
_FREE_FIELDS = frozenset({"working_directory", "tag", "command_line"})
_RUN_FIELDS = (
    "command", "command_line", "working_directory", "error_message", "note", "task_id", "environment", "tags",
    "recorder", "metrics", "skipped",
)  # fmt: skip
_LOOKED_AT = (*_RUN_FIELDS, "arguments", "artifacts")
_ARTIFACT_FIELDS = ("path", "file_name", "description", "metadata")
SECRETS = "secrets"
"""The key of a run's summary, and of an artifact's metadata: how often each rule found something."""
SHOWN = "shown"
"""The key of a run's summary: what to show of it instead of what its record holds, by field."""


class Masking:
    """What masks whatever a program shows; made once, and used by any of its threads.

    Args:
        config: of the workspace.
        environ: of the program: values of variables that look like secrets are masked, too.
    """

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = dict(environ)
        self._rules: Rules | None = None
        self.has_own_rules = any(config.get(f"runs.redact{name}") for name in ("Patterns", "Environment"))

    @property
    def rules(self) -> Rules:
        """What is looked for.

        Raises:
            InputError: a pattern of the configuration is none.
        """
        if self._rules is None:
            self._rules = configured_rules(self._config, self._environ)
        return self._rules

    def text(self, text: str) -> str:
        """Return a text with its secrets masked."""
        from collector.redaction import mask_text

        return mask_text(text, self.rules) if text else text

    def value(self, value: Any) -> Any:
        """Return a JSON value with every text in it masked."""
        return mask_value(value, self.rules)

    def run(self, run: Run) -> Run:
        """Return a run with the secrets of its record masked; as it is where sealing found none.

        Where sealing found some it noted what to show, with values that this program may not know of.
        """
        if self.is_clean(run.summary):
            return run
        noted = run.summary.get(SHOWN)
        if self.has_own_rules or not isinstance(noted, dict):
            noted = {**(noted if isinstance(noted, dict) else {}), **masked_fields(run.to_json(), self.rules)}
        return _replaced(run, noted)

    def session(self, session: Session) -> Session:
        """Return a session whose texts are masked; where its transcripts lie stays."""
        changed: dict[str, Any] = {name: self.value(getattr(session, name)) for name in _SESSION_TEXTS}
        return replace(session, **changed)

    def counts(self, field: str, counts: dict[str, int]) -> dict[str, int]:
        """Return how often each value of a field occurs, values that are free text masked."""
        if field not in _FREE_FIELDS:
            return counts
        shown: dict[str, int] = {}
        for value, count in counts.items():
            masked = self.text(value)
            shown[masked] = shown.get(masked, 0) + count
        return shown

    def artifact(self, artifact: Artifact, summary: Mapping[str, Any]) -> Artifact:
        """Return an artifact with the secrets in its name and description masked.

        Args:
            artifact: as recorded.
            summary: of its run, with what sealing noted.
        """
        if self.is_clean(summary):
            return artifact
        noted = summary.get(SHOWN)
        if self.has_own_rules or not isinstance(noted, dict):
            noted = masked_fields({"artifacts": [artifact.to_json()]}, self.rules)
        names = noted.get("artifacts")
        return shown_artifact(artifact, names) if isinstance(names, dict) else artifact

    def is_clean(self, summary: Mapping[str, Any]) -> bool:
        """Tell whether the record that has this summary was looked through, and nothing was found."""
        return summary.get(SECRETS) == {} and not self.has_own_rules

    def was_looked_through(self, summary: Mapping[str, Any]) -> bool:
        """Tell whether the flags of the artifacts of a run can be relied on."""
        return SECRETS in summary and not self.has_own_rules

    def content(self, content: BinaryIO, metadata: Mapping[str, Any] | None = None) -> BinaryIO:
        """Return a content with its secrets masked, to be read from anywhere; closing it closes both.

        Args:
            content: what was recorded.
            metadata: of the artifact: where sealing found secrets.
        """
        return masked_content(content, self.rules, noted_places(metadata or {}))


def masking_in(workspace_root: str, environ: Mapping[str, str]) -> Masking | None:
    """Return what `masking_of` does, with the settings of a workspace; a mistake in them shows no secret."""
    from collector.config import Config, load_config
    from collector.errors import InputError

    try:
        masking = masking_of(load_config(workspace_root, environ), environ)
        if masking is not None and masking.has_own_rules:
            masking.rules  # noqa: B018 - are they understood?
    except InputError:
        return Masking(Config({}), environ)
    return masking


def masking_of(config: Config, environ: Mapping[str, str]) -> Masking | None:
    """Return what masks for display in a workspace; None where nothing is to be masked."""
    return None if mode_of(config) == NEVER else Masking(config, environ)


def masked_fields(record: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return what to show of a run's record instead of what is in it: fields that hold secrets, masked."""
    if not count_secrets({name: record.get(name) for name in _LOOKED_AT}, rules):
        return {}
    shown = {name: mask_value(record.get(name), rules) for name in _RUN_FIELDS}
    shown["arguments"] = mask_arguments(record.get("arguments") or (), rules)
    fields = {name: value for name, value in shown.items() if value != record.get(name)}
    artifacts = {}
    for entry in record.get("artifacts") or ():
        masked = {name: mask_value(entry.get(name), rules) for name in _ARTIFACT_FIELDS}
        changed = {name: value for name, value in masked.items() if value != entry.get(name)}
        if changed:
            artifacts[entry["artifact_id"]] = changed
    return {**fields, "artifacts": artifacts} if artifacts else fields


def _replaced(run: Run, shown: Mapping[str, Any]) -> Run:
    """Return a run with other fields; what a damaged record holds in their place is left out."""
    values: dict[str, Any] = {}
    for name in (*_RUN_FIELDS, "arguments"):
        if name in shown and _fits(shown[name], getattr(run, name)):
            values[name] = tuple(shown[name]) if isinstance(shown[name], list) else shown[name]
    names = shown.get("artifacts")
    if isinstance(names, dict):
        values["artifacts"] = tuple(shown_artifact(item, names) for item in run.artifacts)
    return replace(run, **values)


def shown_artifact(artifact: Artifact, shown: Mapping[str, Any]) -> Artifact:
    """Return an artifact as its run says it is to be shown.

    Args:
        artifact: as recorded.
        shown: other fields, by artifact id.
    """
    fields = shown.get(artifact.artifact_id)
    if not isinstance(fields, dict):
        return artifact
    values: dict[str, Any] = {
        name: fields[name]
        for name in _ARTIFACT_FIELDS
        if name in fields and _fits(fields[name], getattr(artifact, name))
    }
    return replace(artifact, **values)


def _fits(shown: object, recorded: object) -> bool:
    """Tell whether one value can be shown for another: both are texts, objects, or lists of the same."""
    if isinstance(recorded, tuple):
        kinds = {type(item) for item in recorded}
        return isinstance(shown, list) and {type(item) for item in shown} <= kinds
    return type(shown) is type(recorded)
