"""Every endpoint there is: the one table behind the router, what is checked of a request, and OpenAPI."""

from __future__ import annotations

from collector.agents.adapter import NAMES
from collector.agents.otlp_records import PATHS
from collector.model.query import SORTS
from collector.model.session import STATUSES
from collector.model.statistics import GROUPINGS
from collector.query.statistics import SORTS as GROUP_SORTS
from collector.serve import content, health, incoming, live, records
from collector.serve.access import BODIES
from collector.serve.answers import MAX_LIMIT
from collector.serve.endpoint import Endpoint, Parameter
from collector.serve.metrics import CONTENT_TYPE
from collector.serve.openapi import describe

_RUN = Parameter(
    "run", "text", "id, name, beginning of either, latest, @1, @last-failed or @FILTER", least=1,
    in_path=True,
)  # fmt: skip
_Q = Parameter("q", "text", "which runs: status:failed since:1h … (docs/cli.md)", "")
_CURSOR = Parameter("cursor", "text", "next_cursor of the page before", least=1)
_REDACT = Parameter("redact", "boolean", "whether secrets are masked; false is noted in the audit log", True)
_LINES = Parameter("lines", "text", "only some lines: 120:180, 120:, :50 or -20:", least=1, most=40)


def _limit(default: int) -> Parameter:
    return Parameter("limit", "integer", "at most so many", default, least=1, most=MAX_LIMIT)


def _path(name: str, text: str, choices: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, "text", text, least=1, choices=choices, in_path=True)


def _stream(kind: str, text: str) -> Endpoint:
    return Endpoint(
        "GET", f"/runs/{{run}}/{kind}", text, content.stream_content, (_RUN, _LINES, _REDACT),
        result=None, media="text/plain", statuses=(206, 304, 404, 410, 416),
    )  # fmt: skip


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/runs", "List runs, newest first.", records.list_runs,
        (
            _Q, _limit(50), _CURSOR,
            Parameter("sort", "text", "what to sort by", "start_time", choices=SORTS),
            Parameter("order", "text", "largest or smallest first", "desc", choices=("desc", "asc")),
            Parameter("fields", "list", "only these keys of each run", least=1),
            Parameter("total", "boolean", "whether to count all that fit", True),
        ),
        result="RunPage",
    ),
    Endpoint("GET", "/runs/{run}", "Get a run.", records.get_run, (_RUN,), "Run", statuses=(404,)),
    Endpoint(
        "GET", "/runs/{run}/artifacts", "List the files of a run.", records.list_artifacts, (_RUN,),
        "ArtifactPage", statuses=(404,),
    ),
    Endpoint(
        "GET", "/runs/{run}/why", "Say why a run failed, and what changed since it worked.", records.why,
        (_RUN,), "Explanation", statuses=(404,),
    ),
    _stream("output", "Get both streams of a run, as they came."),
    _stream("stdout", "Get what a run wrote to stdout."),
    _stream("stderr", "Get what a run wrote to stderr."),
    Endpoint(
        "GET", "/artifacts/{artifact}/content", "Get the content of a file.", content.artifact_content,
        (_path("artifact", "its id"), _REDACT),
        result=None, media="*/*", statuses=(206, 304, 404, 410, 416), tag="artifacts",
    ),
    Endpoint(
        "GET", "/artifacts/list", "List what was collected of teams.", incoming.list_collections, (),
        "Collections", tag="teams",
    ),
    Endpoint(
        "GET", "/artifacts/{session}/metadata", "Get what is known of a collection.",
        incoming.collection_metadata, (_path("session", "its team session"),), statuses=(404,),
        tag="teams",
    ),
    Endpoint(
        "POST", "/artifacts/collect/{team}", "Collect the artifacts of a team.", incoming.collect_team,
        (_path("team", "its team session"),), "Collection", statuses=(404,), body=("application/json",),
        tag="teams",
    ),
    Endpoint(
        "GET", "/sessions", "List sessions of agents, newest activity first.", records.list_sessions,
        (
            Parameter("q", "text", "a part of the title, the id or the team", least=1),
            Parameter("agent", "text", "claude-code, codex, gemini …", least=1),
            Parameter("team", "text", "this team", least=1),
            Parameter("status", "text", "how it is", choices=STATUSES),
            _limit(50), _CURSOR,
        ),
        "SessionPage", tag="sessions",
    ),
    Endpoint(
        "GET", "/sessions/{session}", "Get a session with its agents.", records.get_session,
        (_path("session", "its id, the beginning of one, or latest"),), "Session", statuses=(404,),
        tag="sessions",
    ),
    Endpoint(
        "GET", "/stats", "Say what many runs amount to.", records.statistics,
        (
            _Q,
            Parameter("by", "text", "groups", choices=GROUPINGS),
            Parameter("sort", "text", "their order", choices=GROUP_SORTS),
            _limit(20),
            Parameter("trend", "text", "totals over time, in such steps",
                      choices=("auto", "hour", "day", "week", "month", "year")),
        ),
        "Statistics", statuses=(404,), tag="statistics",
    ),
    Endpoint(
        "GET", "/facets", "Count the runs that have each value of some fields.", records.facets,
        (_Q, Parameter("fields", "list", "which", ("status", "type", "agent"), least=1, most=200)),
        "Facets", tag="statistics",
    ),
    Endpoint(
        "GET", "/search", "Search what runs wrote, newest first.", records.search,
        (
            Parameter("q", "text", "a text, or re:/a regular expression (RE2)/", least=1, is_required=True),
            Parameter("filter", "text", "in which runs", ""),
            _limit(50), _CURSOR,
            Parameter("max_count", "integer", "lines of one file; 0: all", 10, most=100_000),
            Parameter("context", "integer", "lines around each", 0, most=20),
        ),
        "HitPage", tag="search",
    ),
    Endpoint(
        "GET", "/events", "Follow what happens, as server-sent events.", live.follow,
        (Parameter("after", "text", "go on behind this id; Last-Event-ID is stronger", least=1, most=100),),
        result=None, media="text/event-stream", tag="events",
    ),
    Endpoint(
        "POST", "/hooks/{agent}", "Take in a hook of an agent.", incoming.take_hook,
        (
            _path("agent", "which", tuple(NAMES)),
            Parameter("session", "text", "the session it belongs to", least=1, most=200),
            Parameter("instance", "text", "the agent instance", least=1, most=200),
        ),
        "Accepted", statuses=(202, 408, 413), body=("application/json",), tag="ingest",
    ),
    *(
        Endpoint(
            "POST", path, "Take in telemetry of agents (OTLP).", incoming.take_telemetry,
            statuses=(408, 413), body=BODIES, result=None, media="*/*", tag="ingest",
        )
        for path in PATHS
    ),
    Endpoint(
        "GET", "/healthz", "Say whether runs can be stored and read; details only with the token.",
        health.health, (), "Health", tag="server",
    ),
    Endpoint(
        "GET", "/metrics", "Get counts for Prometheus.", health.metrics, (), None,
        CONTENT_TYPE.partition(";")[0], tag="server",
    ),
    Endpoint("GET", "/openapi.json", "Get this document.", lambda asked: describe(asked, ENDPOINTS),
             tag="server"),
)  # fmt: skip
"""In the order in which they are matched."""
