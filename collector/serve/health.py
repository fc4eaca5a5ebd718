"""`GET /healthz` and `GET /metrics`: whether everything is well, and how much there is of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from collector.clock import format_iso
from collector.daemon.launch import collector_status
from collector.errors import AcodeError, InputError
from collector.model.run import STATUSES
from collector.retention.alerts import list_alerts
from collector.serve.endpoint import Asked
from collector.serve.library import Library
from collector.serve.metrics import CONTENT_TYPE, Metric, format_metrics

_LEAST_FREE = 64 << 20
Check = dict[str, Any]


async def health(asked: Asked) -> Response:
    """Answer `GET /healthz`: 200 when runs can be stored and read, else 503; details only with the token."""
    if asked.request.url.query and not asked.head.has_token:
        raise InputError("ACODE-RUN-019", "there are no parameters")
    checks = await asked.serving.pool.ask(_checks, refresh=False)
    is_well = all(check["status"] != "fail" for check in checks.values())
    told = {"status": "ok" if is_well else "fail", **(checks if asked.head.has_token else {})}
    return JSONResponse(told, 200 if is_well else 503, {"Cache-Control": "no-store"})


def _checks(library: Library) -> dict[str, Check]:
    """Look at everything that is needed; what goes wrong in looking is what is wrong."""
    found = [
        {"code": item.code, "message": item.message, "since": format_iso(item.since_ms)}
        for item in list_alerts(library.workspace)
    ]
    return {
        "storage": _storage(library),
        "database": _database(library),
        "collector": _collector(library),
        "alerts": {"status": "warn" if found else "ok", "alerts": found},
    }


def _storage(library: Library) -> Check:
    path = library.workspace.artifacts
    while not os.path.exists(path):  # noqa: PTH110
        path = os.path.dirname(path)  # noqa: PTH120
    try:
        status = os.statvfs(path)
    except OSError as error:
        return {"status": "fail", "message": f"{error.strerror}"}
    free = status.f_bavail * status.f_frsize
    if not os.access(path, os.W_OK | os.X_OK):
        return {"status": "fail", "message": "cannot be written", "free_bytes": free}
    return {"status": "warn" if free < _LEAST_FREE else "ok", "free_bytes": free}


def _database(library: Library) -> Check:
    library.close()  # somebody may have replaced it: what counts is the file that is there
    try:
        if library.find_stores() is None:
            return {"status": "ok", "runs": 0}
        newest = library.runs.latest()
        return {"status": "ok", "newest_run": format_iso(newest.start_time) if newest else None}
    except AcodeError as error:
        return {"status": "fail", "code": error.code, "message": error.message}


def _collector(library: Library) -> Check:
    status = collector_status(library.workspace)
    started = format_iso(status.started_at) if status.started_at else None
    known = {"running": status.running, "started_at": started, "pending": status.pending}
    # Without one, whoever reads does its work.
    return {"status": "ok" if status.running or not status.pending else "warn", **known}


async def metrics(asked: Asked) -> Response:
    """Answer `GET /metrics`."""
    found = list(await asked.serving.pool.ask(_of_store))
    found += asked.serving.requests.metrics()
    streams = len(asked.serving.streams)
    found.append(_gauge("acode_http_event_streams", "Clients that follow events.", streams))
    return PlainTextResponse(format_metrics(found), headers={"Content-Type": CONTENT_TYPE})


def _of_store(library: Library) -> list[Metric]:
    workspace = library.workspace
    status = collector_status(workspace)
    free = os.statvfs(workspace.root)
    found = [
        _gauge("acode_collector_up", "Whether a collector runs.", status.running),
        _gauge("acode_spool_length", "Announcements that wait for the collector.", status.pending),
        _gauge("acode_inbox_length", "Letters of agents that wait to be taken in.", _count(workspace.inbox)),
        _gauge("acode_free_bytes", "Space that is left for runs.", free.f_bavail * free.f_frsize),
        _gauge("acode_alerts", "What somebody should look at.", len(list_alerts(workspace))),
    ]
    if library.find_stores() is not None:
        found += _of_runs(library)
    return found


def _of_runs(library: Library) -> Iterator[Metric]:
    known = library.runs.facets("status")
    by_status = [({"status": status}, float(known.get(status, 0))) for status in STATUSES]
    yield Metric("acode_runs", "gauge", "Runs that are recorded, by status.", by_status)
    stored = library.artifacts.statistics()
    yield _gauge("acode_artifacts", "Files of runs.", stored.artifacts)
    yield _gauge("acode_artifact_content_bytes", "Bytes of their contents.", stored.content_bytes)
    yield _gauge("acode_artifact_stored_bytes", "Bytes that they take on disk.", stored.disk_bytes)
    yield _gauge("acode_sessions", "Sessions of agents.", library.sessions.count())
    yield _gauge("acode_last_event_id", "Number of the newest event.", library.runs.last_event_id())


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name, "gauge", text, [({}, float(value))])


def _count(folder: str) -> int:
    try:
        return len(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return 0
