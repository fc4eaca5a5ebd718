"""The database schema: a list of migrations, each a list of statements.

A migration that has been released is never edited; a new one is appended. docs/schema.md is generated
from what they build.
"""

from __future__ import annotations

from collector.model.frozen import dataclass
from collector.model.query import FLAGS

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


MISSING = "char(0)"
"""What stands for a missing value where a key cannot hold one."""

TALLY_FIELDS = ("status", "type", "context", "agent", "tool", "model", "host")
"""What runs are counted by in every combination: fields with few values."""

VALUE_FIELDS = ("task", "working_directory")
"""What runs are counted by one at a time: fields that may have many values."""

NOTHING = "-9223372036854775808"
"""What a missing number counts as in an order."""


def _values(row: str, fields: tuple[str, ...]) -> str:
    return ", ".join(f"ifnull({row}.{field}, {MISSING})" for field in fields)


def _tally(row: str) -> str:
    key = ", ".join(TALLY_FIELDS)
    return f"""
    INSERT INTO tally ({key}, runs) VALUES ({_values(row, TALLY_FIELDS)}, 1)
    ON CONFLICT ({key}) DO UPDATE SET runs = runs + 1;
    """


def _untally(row: str) -> str:
    key = ", ".join(TALLY_FIELDS)
    where = f"({key}) = ({_values(row, TALLY_FIELDS)})"
    return f"UPDATE tally SET runs = runs - 1 WHERE {where}; DELETE FROM tally WHERE {where} AND runs <= 0;"


def _count_value(field: str, value: str) -> str:
    return f"""
    INSERT INTO value_counts (field, value, runs) VALUES ('{field}', {value}, 1)
    ON CONFLICT (field, value) DO UPDATE SET runs = runs + 1;
    """


def _uncount_value(field: str, value: str) -> str:
    where = f"field = '{field}' AND value = {value}"
    return f"""
    UPDATE value_counts SET runs = runs - 1 WHERE {where};
    DELETE FROM value_counts WHERE {where} AND runs <= 0;
    """


def _tag_of(row: str) -> str:
    return f"{row}.key || CASE {row}.value WHEN '' THEN '' ELSE '=' || {row}.value END"


_CHANGED_COLUMNS = ", ".join(TALLY_FIELDS)
_RECORDED_NOW = _RECORDED.replace("command_line", "command_id")

_ASKED: tuple[str, ...] = (
    "DROP TRIGGER finished_runs_are_immutable",
    "DROP INDEX runs_by_command",
    # AUTOINCREMENT: what is known of a command line must never be taken for known of another.
    """
    CREATE TABLE commands (
        command_id INTEGER PRIMARY KEY AUTOINCREMENT,
        command_line TEXT NOT NULL,
        runs INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "ALTER TABLE runs ADD COLUMN command_id INTEGER NOT NULL DEFAULT 0",
    """
    INSERT INTO commands (command_line, runs)
    SELECT command_line, count(*) FROM runs GROUP BY command_line ORDER BY min(seq)
    """,
    f"CREATE INDEX commands_by_key ON commands ({COMMAND_KEY})",
    f"""
    UPDATE runs SET command_id = (
        SELECT commands.command_id FROM commands
        WHERE {COMMAND_KEY.replace("command_line", "commands.command_line")}
            = {COMMAND_KEY.replace("command_line", "runs.command_line")}
        AND +commands.command_line = runs.command_line
    )
    """,
    "ALTER TABLE runs DROP COLUMN command_line",
    # When a run came to be known, or its end: a number that only grows, for whoever asks what is new.
    "ALTER TABLE runs ADD COLUMN revision INTEGER NOT NULL DEFAULT 0",
    "UPDATE runs SET revision = seq",
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0 WHERE NOT EXISTS "
    "(SELECT 1 FROM sqlite_sequence WHERE name = 'events')",
    "UPDATE sqlite_sequence SET seq = max(seq, (SELECT ifnull(max(seq), 0) FROM runs)) WHERE name = 'events'",
    *(f"ALTER TABLE runs ADD COLUMN {column} INTEGER" for column in ("tests", "failed_tests", "coverage")),
    """
    UPDATE runs SET tests = json_extract(summary, '$.tests.total'),
        failed_tests = json_extract(summary, '$.tests.failed') + json_extract(summary, '$.tests.errors'),
        coverage = CAST(json_extract(summary, '$.coverage.line_percent') AS INTEGER)
    WHERE json_valid(summary)
    """,
    "CREATE INDEX runs_by_revision ON runs (revision)",
    # Also what statistics count: the index is a twentieth of the rows that it saves reading.
    """
    CREATE INDEX runs_by_command ON runs (
        command_id, start_time, seq, status, duration_ms, output_bytes, tokens_used, cost
    )
    """,
    f"CREATE INDEX runs_by_duration ON runs (ifnull(duration_ms, {NOTHING}), seq)",
    f"CREATE INDEX runs_by_end ON runs (ifnull(end_time, {NOTHING}), seq)",
    "CREATE INDEX runs_by_size ON runs (output_bytes, seq)",
    "CREATE INDEX runs_by_directory ON runs (working_directory, start_time, seq)",
    *(
        f"CREATE INDEX runs_by_{column} ON runs ({column}, start_time, seq) WHERE {column} IS NOT NULL"
        for column in (
            "task_id",
            "host",
            "tokens_used",
            "max_rss_bytes",
            "tests",
            "failed_tests",
            "coverage",
            "error_code",
        )
    ),
    "CREATE INDEX runs_elsewhere ON runs (context, start_time, seq) WHERE context <> 'host'",
    """
    CREATE INDEX artifacts_by_type ON artifacts (type, run_seq)
    WHERE type NOT IN ('stdout', 'stderr', 'output')
    """,
    f"""
    CREATE TABLE tally (
        {", ".join(f"{field} TEXT NOT NULL" for field in TALLY_FIELDS)},
        runs INTEGER NOT NULL,
        PRIMARY KEY ({", ".join(TALLY_FIELDS)})
    ) STRICT, WITHOUT ROWID
    """,
    f"""
    INSERT INTO tally SELECT {_values("runs", TALLY_FIELDS)}, count(*) FROM runs
    GROUP BY {", ".join(map(str, range(1, len(TALLY_FIELDS) + 1)))}
    """,
    """
    CREATE TABLE value_counts (
        field TEXT NOT NULL,
        value TEXT NOT NULL,
        runs INTEGER NOT NULL,
        PRIMARY KEY (field, value)
    ) STRICT, WITHOUT ROWID
    """,
    *(
        f"INSERT INTO value_counts SELECT '{field}', {field}, count(*) FROM runs GROUP BY {field}"
        for field in VALUE_FIELDS
    ),
    f"INSERT INTO value_counts SELECT 'tag', {_tag_of('tags')} AS name, count(*) FROM tags GROUP BY name",
    f"""
    CREATE TRIGGER runs_count AFTER INSERT ON runs BEGIN
        UPDATE commands SET runs = runs + 1 WHERE command_id = NEW.command_id;
        {_tally("NEW")}
        {"".join(_count_value(field, f"NEW.{field}") for field in VALUE_FIELDS)}
    END
    """,
    f"""
    CREATE TRIGGER runs_uncount AFTER DELETE ON runs BEGIN
        UPDATE commands SET runs = runs - 1 WHERE command_id = OLD.command_id;
        {_untally("OLD")}
        {"".join(_uncount_value(field, f"OLD.{field}") for field in VALUE_FIELDS)}
    END
    """,
    f"""
    CREATE TRIGGER runs_tally_again AFTER UPDATE OF {_CHANGED_COLUMNS} ON runs
    WHEN ({_values("OLD", TALLY_FIELDS)}) <> ({_values("NEW", TALLY_FIELDS)})
    BEGIN {_untally("OLD")} {_tally("NEW")} END
    """,
    """
    CREATE TRIGGER runs_count_command_again AFTER UPDATE OF command_id ON runs
    WHEN OLD.command_id <> NEW.command_id
    BEGIN
        UPDATE commands SET runs = runs - 1 WHERE command_id = OLD.command_id;
        UPDATE commands SET runs = runs + 1 WHERE command_id = NEW.command_id;
    END
    """,
    *(
        f"""
    CREATE TRIGGER runs_count_{field}_again AFTER UPDATE OF {field} ON runs WHEN OLD.{field} <> NEW.{field}
    BEGIN {_uncount_value(field, f"OLD.{field}")} {_count_value(field, f"NEW.{field}")} END
    """
        for field in VALUE_FIELDS
    ),
    f"CREATE TRIGGER tags_count AFTER INSERT ON tags BEGIN {_count_value('tag', _tag_of('NEW'))} END",
    f"CREATE TRIGGER tags_uncount AFTER DELETE ON tags BEGIN {_uncount_value('tag', _tag_of('OLD'))} END",
    f"""
    CREATE TRIGGER finished_runs_are_immutable BEFORE UPDATE OF {_RECORDED_NOW} ON runs
    WHEN OLD.status <> 'running'
    BEGIN
        SELECT RAISE(ABORT, 'a finished run cannot be changed');
    END
    """,
    # Which command lines may hold a text; made in the background (store/commands.py), with how far it is.
    """
    CREATE VIRTUAL TABLE commands_fts USING fts5 (
        command_line, content='', detail=none, columnsize=0, tokenize='trigram'
    )
    """,
    "CREATE TABLE progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO progress VALUES ('commands_fts', 0)",
    "CREATE TABLE identity (store_id TEXT NOT NULL) STRICT",
    "INSERT INTO identity VALUES (lower(hex(randomblob(8))))",
)
"""Command lines once each, counts that are kept, and an index or a count for whatever is asked."""
_NOTES = (
    "ALTER TABLE runs ADD COLUMN note TEXT",
    "CREATE INDEX runs_with_note ON runs (start_time, seq) WHERE note IS NOT NULL",
)
"""What somebody wrote about a run, from its annotations."""
FLAGGED = {flag: f"instr(record, '\"{flag}\": true') > 0" for flag in FLAGS}
"""Which rows of `artifacts` have a flag. Unlike those for JSON, this takes any text."""
_FLAGS = tuple(
    f"CREATE INDEX artifacts_{flag} ON artifacts (run_seq) WHERE {condition}"
    for flag, condition in FLAGGED.items()
)
"""The few artifacts that somebody should know of."""

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
    _ASKED,
    _NOTES,
    _FLAGS,
)

RUNS = Schema("runs.db", 0x61636F64, "runs", MIGRATIONS, "run 'acode runs reindex' to rebuild it")  # "acod"
