"""The database schema: a list of migrations, each a list of statements.

A migration that has been released is never edited; a new one is appended. docs/schema.md is generated
from what they build.
"""

from __future__ import annotations

APPLICATION_ID = 0x61636F64  # "acod"

FAILED = "status IN ('failure', 'timeout', 'cancelled')"
"""What a run is that did not succeed, as a condition."""

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
    tool TEXT,
    tool_call_id TEXT,
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

MIGRATIONS: tuple[tuple[str, ...], ...] = (
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
)
