"""What each key of a listing's records is, in a few words: for `--fields ?` and for completion."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = {
    "schema_version": "of the record",
    "run_id": "a ULID",
    "name": "task and time, the folder's name",
    "task": "what it was called",
    "command": "the program",
    "command_line": "program and arguments as one text",
    "status": "running, success, failure, timeout or cancelled",
    "start_time": "UTC",
    "arguments": "a list",
    "working_directory": "where it ran",
    "exit_code": "null where none was seen",
    "signal": "that ended it",
    "end_time": "UTC",
    "duration_ms": "milliseconds",
    "session_id": "the session it belongs to",
    "task_id": "your own identifier",
    "parent_run_id": "the run that started it",
    "agent_instance_id": "the agent within the session",
    "tool": "the agent's tool",
    "tool_call_id": "the agent's id of the call",
    "type": "command, build, test or generate",
    "context": "host, docker or remote",
    "operating_mode": "of the agent",
    "container_id": "where it ran in one",
    "error_code": "of acode, where something went wrong",
    "error_message": "the same in words",
    "environment": "variables, an allow-list of them",
    "tags": "names with values",
    "workspace_id": "of a shared store",
    "agent": "who started it",
    "agent_version": "of the agent",
    "model": "that asked for it",
    "tokens": "by kind",
    "cost": "US dollars",
    "cpu_ms": "milliseconds, measured",
    "max_rss_bytes": "memory, measured",
    "host": "the machine",
    "pid": "of the process",
    "artifacts": "its files, a list",
    "provenance": "who said what: recorder, hook, transcript",
    "recorder": "the process that recorded it",
    "metrics": "numbers that its output told",
    "summary": "counts of tests, coverage and log entries",
    "skipped": "files not collected, and why",
    "note": "what was written about it",
}
ARTIFACT = {
    "artifact_id": "a ULID",
    "run_id": "whose",
    "type": "stdout, stderr, log, test_result, coverage …",
    "path": "within the run folder",
    "file_name": "the end of the path",
    "size_bytes": "of the content",
    "stored_bytes": "as kept",
    "created_at": "UTC",
    "modified_at": "UTC",
    "checksum_sha256": "of the content",
    "content_type": "MIME type",
    "encoding": "of text",
    "description": "what it is",
    "source": "stdout, stderr, file, extracted or imported",
    "truncated": "whether some is missing",
    "truncation_reason": "why",
    "original_size_bytes": "before that",
    "compressed": "whether it is kept so",
    "encrypted": "whether it is kept so",
    "sensitive": "whether secrets were found in it",
    "missing": "whether its file is gone",
    "corrupt": "whether its file has changed",
    "metadata": "what else is known",
}
SESSION = {
    "session_id": "its own, or the conversation's",
    "agent": "claude-code, codex …",
    "agent_version": "of the agent",
    "model": "of the agent",
    "team": "it belongs to",
    "status": "running, ended, killed or unknown",
    "started_at": "UTC",
    "ended_at": "UTC",
    "runs": "how many",
    "failed_runs": "how many",
    "prompts": "what the agent was asked for",
    "tokens_used": "altogether",
    "cost": "US dollars",
    "title": "of the conversation",
    "tokens": "by kind",
    "working_directory": "where it began",
    "git_branch": "where it began",
    "error": "that ended it",
    "transcripts": "files it was read from",
}


def fields_of(command: str) -> dict[str, str]:
    """Return the keys of what a command such as `runs list` lists."""
    if command.startswith("sessions"):
        return SESSION
    return ARTIFACT if "artifacts" in command else RUN


def describe(known: Sequence[str]) -> str:
    """Return one line for each key; a key that this page does not know stands alone."""
    table = ARTIFACT if "artifact_id" in known else SESSION if "failed_runs" in known else RUN
    width = max(map(len, known), default=0)
    return "".join(f"{name:<{width}}  {table.get(name, '')}".rstrip() + "\n" for name in known)
