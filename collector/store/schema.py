"""The database schema: a list of migrations, each a list of statements.

A migration that has been released is never edited; a new one is appended. docs/schema.md is generated
from what they build.
"""

from __future__ import annotations

from collector.model.frozen import dataclass

Migrations = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database of ours is: its file, its mark, what it holds, how it is made, how it is mended."""

    file_name: str
    application_id: int
    holds: str
    migrations: Migrations
    remedy: str


FAILED = "status IN ('failure', 'timeout', 'cancelled')"
"""What a run is that did not succeed, as a condition."""

COMMAND_KEY = "(substr(command_line, 1, 24) || substr(command_line, -40) || length(command_line))"
"""A short text that hardly two command lines share, as an expression that an index is made of."""

_RUNS = """
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    task TEXT NOT NULL,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,
    command_line TEXT NOT NULL,
    working_directory TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running','success','failure','timeout','cancelled')),
    exit_code INTEGER,
    signal INTEGER,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    duration_ms INTEGER,
    session_id TEXT,
    task_id TEXT,
    parent_run_id TEXT,
    agent_instance_id TEXT,
    type TEXT NOT NULL,
    context TEXT NOT NULL,
    operating_mode TEXT,
    container_id TEXT,
    error_code TEXT,
    error_message TEXT,
    environment_id INTEGER REFERENCES environments (environment_id),
    workspace_id TEXT,
    agent TEXT,
    agent_version TEXT,
    model TEXT,
    tokens TEXT,
    cost REAL,
    cpu_ms INTEGER,
    max_rss_bytes INTEGER,
    host TEXT,
    pid INTEGER,
    provenance TEXT,
    recorder TEXT,
    output_bytes INTEGER NOT NULL DEFAULT 0,
    CHECK (status = 'running' OR end_time IS NOT NULL)
) STRICT
"""

_ARTIFACTS = """
CREATE TABLE artifacts (
    artifact_id TEXT PRIMARY KEY,
    run_seq INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    checksum_sha256 TEXT,
    content_type TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (run_seq, path)
) STRICT
"""

_SESSIONS = """
CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    agent TEXT,
    team TEXT,
    status TEXT NOT NULL DEFAULT 'unknown',
    title TEXT,
    last_at INTEGER NOT NULL DEFAULT 0,
    runs INTEGER NOT NULL DEFAULT 0,
    failed_runs INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL DEFAULT '{}'
) STRICT
"""

_RECORDED = (
    "run_id, name, task, command, arguments, command_line, working_directory, status, exit_code, signal, "
    "start_time, end_time, duration_ms, error_code, error_message, type, context"
)
"""What was recorded of a run; what an agent's transcript adds later are the other columns."""

_COUNT_RUN = f"""
    INSERT INTO sessions (session_id, last_at, runs, failed_runs)
    VALUES (NEW.session_id, NEW.start_time, 1, NEW.{FAILED})
    ON CONFLICT (session_id) DO UPDATE SET
        last_at = max(last_at, excluded.last_at), runs = runs + 1,
        failed_runs = failed_runs + excluded.failed_runs;
"""
_UNCOUNT_RUN = f"""
    UPDATE sessions SET runs = runs - 1, failed_runs = failed_runs - (OLD.{FAILED})
    WHERE session_id = OLD.session_id;
"""

_AGENTS: tuple[str, ...] = (
    "ALTER TABLE runs ADD COLUMN tool TEXT",
    "ALTER TABLE runs ADD COLUMN tool_call_id TEXT",
    "ALTER TABLE runs ADD COLUMN tokens_used INTEGER",
    "CREATE UNIQUE INDEX runs_by_call ON runs (tool_call_id, agent) WHERE tool_call_id IS NOT NULL",
    *(
        f"CREATE INDEX runs_by_{column} ON runs ({column}, start_time, seq) WHERE {column} IS NOT NULL"
        for column in ("agent", "agent_instance_id", "model", "tool")
    ),
    "DROP TRIGGER finished_runs_are_immutable",
    f"""
    CREATE TRIGGER finished_runs_are_immutable BEFORE UPDATE OF {_RECORDED} ON runs
    WHEN OLD.status <> 'running'
    BEGIN
        SELECT RAISE(ABORT, 'a finished run cannot be changed');
    END
    """,
    _SESSIONS,
    "CREATE INDEX sessions_by_time ON sessions (last_at, seq)",
    f"""
    CREATE TRIGGER runs_of_sessions_begin AFTER INSERT ON runs WHEN NEW.session_id IS NOT NULL
    BEGIN {_COUNT_RUN} END
    """,
    f"""
    CREATE TRIGGER runs_of_sessions_end AFTER DELETE ON runs WHEN OLD.session_id IS NOT NULL
    BEGIN {_UNCOUNT_RUN} END
    """,
    f"""
    CREATE TRIGGER runs_of_sessions_leave AFTER UPDATE OF status, session_id ON runs
    WHEN OLD.session_id IS NOT NULL
    BEGIN {_UNCOUNT_RUN} END
    """,
    f"""
    CREATE TRIGGER runs_of_sessions_join AFTER UPDATE OF status, session_id ON runs
    WHEN NEW.session_id IS NOT NULL
    BEGIN {_COUNT_RUN} END
    """,
    """
    CREATE TABLE instances (
        session_id TEXT NOT NULL,
        instance_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (session_id, instance_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE conversations (
        conversation_id TEXT NOT NULL,
        agent TEXT NOT NULL,
        session_id TEXT NOT NULL,
        instance_id TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (conversation_id, agent, session_id, instance_id)
    ) STRICT, WITHOUT ROWID
    """,
    # Which session a message of the model counts in: a fork's transcript repeats those of another.
    """
    CREATE TABLE messages (
        message_key INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL
    ) STRICT
    """,
)

_FOUND = (
    *(f"ALTER TABLE runs ADD COLUMN {column} TEXT" for column in ("metrics", "summary", "skipped")),
    # Identical content is kept once: whoever seals an artifact looks for another with its checksum.
    """
    CREATE INDEX artifacts_by_checksum ON artifacts (checksum_sha256, size_bytes)
    WHERE checksum_sha256 IS NOT NULL
    """,
)
"""What sealing finds in a run's files and output."""

_COMMANDS = (f"CREATE INDEX runs_by_command ON runs ({COMMAND_KEY}, status, start_time, seq)",)
"""Which runs had the same command: `acode runs why` compares with the last that succeeded."""

MIGRATIONS: Migrations = (
    (
        """
        CREATE TABLE environments (
            environment_id INTEGER PRIMARY KEY,
            variables TEXT NOT NULL UNIQUE
        ) STRICT
        """,
        _RUNS,
        _ARTIFACTS,
        """
        CREATE TABLE tags (
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            run_seq INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
            PRIMARY KEY (key, value, run_seq)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX tags_by_run ON tags (run_seq)",
        # AUTOINCREMENT: a follower's last event id must never be given out again.
        """
        CREATE TABLE events (
            event_id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            run_id TEXT NOT NULL,
            run_seq INTEGER NOT NULL,
            artifact_id TEXT
        ) STRICT
        """,
        "CREATE INDEX runs_by_time ON runs (start_time, seq)",
        "CREATE INDEX runs_by_status ON runs (status, start_time, seq)",
        # The words of this condition are also those of store/where.py: SQLite compares them as text.
        f"CREATE INDEX runs_failed ON runs (start_time, seq) WHERE {FAILED}",
        "CREATE INDEX runs_by_type ON runs (type, start_time, seq)",
        "CREATE INDEX runs_by_task ON runs (task, start_time, seq)",
        "CREATE INDEX runs_by_exit_code ON runs (exit_code, start_time, seq)",
        """
        CREATE INDEX runs_by_session ON runs (session_id, start_time, seq)
        WHERE session_id IS NOT NULL
        """,
        """
        CREATE INDEX runs_by_parent ON runs (parent_run_id, start_time, seq)
        WHERE parent_run_id IS NOT NULL
        """,
        """
        CREATE TRIGGER finished_runs_are_immutable BEFORE UPDATE ON runs
        WHEN OLD.status <> 'running'
        BEGIN
            SELECT RAISE(ABORT, 'a finished run cannot be changed');
        END
        """,
    ),
    _AGENTS,
    _FOUND,
    _COMMANDS,
)

RUNS = Schema("runs.db", 0x61636F64, "runs", MIGRATIONS, "run 'acode runs reindex' to rebuild it")  # "acod"
