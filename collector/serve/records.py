"""The endpoints that answer with records."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from collector.model.frozen import replace
from collector.query.search import Search
from collector.query.search_line import search_pattern
from collector.serve import answers
from collector.serve.endpoint import Asked
from collector.serve.library import Library
from collector.store.sessions import SessionQuery

_MARGIN = 0.8
"""Of the time of a request: what takes longer tells what was found so far."""


async def _ask(asked: Asked, job: Any) -> Response:
    return JSONResponse(await asked.serving.pool.ask(job))


async def list_runs(asked: Asked) -> Response:
    """Answer `GET /runs`."""
    values, seconds = asked.values, asked.serving.pool.seconds * _MARGIN

    def job(library: Library) -> answers.Record:
        query = replace(
            answers.query_of(library, values["q"]), sort=values["sort"], limit=values["limit"],
            descending=values["order"] == "desc", after=values["cursor"],
        )  # fmt: skip
        return answers.list_runs(library, query, values["fields"], values["total"], seconds)

    return await _ask(asked, job)


async def get_run(asked: Asked) -> Response:
    """Answer `GET /runs/{run}`."""
    return await _ask(asked, lambda library: answers.run_of(library, asked.values["run"]).to_json())


async def why(asked: Asked) -> Response:
    """Answer `GET /runs/{run}/why`."""
    run = asked.values["run"]
    return await _ask(asked, lambda library: answers.why(library, answers.run_of(library, run)))


async def list_artifacts(asked: Asked) -> Response:
    """Answer `GET /runs/{run}/artifacts`."""

    def job(library: Library) -> answers.Record:
        run = answers.run_of(library, asked.values["run"])
        items = [artifact.to_json() for artifact in library.artifacts.by_run(run.run_id)]
        return {"items": items, "total": len(items), "next_cursor": None, "complete": True}

    return await _ask(asked, job)


async def list_sessions(asked: Asked) -> Response:
    """Answer `GET /sessions`."""
    values = asked.values
    query = SessionQuery(
        values["agent"], values["team"], values["status"], values["q"], values["limit"], values["cursor"]
    )
    return await _ask(asked, lambda library: answers.list_sessions(library, query))


async def get_session(asked: Asked) -> Response:
    """Answer `GET /sessions/{session}`."""

    def job(library: Library) -> answers.Record:
        return answers.session_record(answers.session_of(library, asked.values["session"]))

    return await _ask(asked, job)


async def statistics(asked: Asked) -> Response:
    """Answer `GET /stats`."""
    values = asked.values

    def job(library: Library) -> answers.Record:
        query = answers.query_of(library, values["q"])
        return answers.statistics(
            library, query, values["by"], values["sort"], values["limit"], values["trend"]
        )

    return await _ask(asked, job)


async def facets(asked: Asked) -> Response:
    """Answer `GET /facets`."""

    def job(library: Library) -> answers.Record:
        query = answers.query_of(library, asked.values["q"])
        return answers.facets(library, asked.values["fields"], query)

    return await _ask(asked, job)


async def search(asked: Asked) -> Response:
    """Answer `GET /search`."""
    values, seconds = asked.values, asked.serving.pool.seconds * _MARGIN

    def job(library: Library) -> answers.Record:
        wanted = Search(
            pattern=search_pattern(values["q"]), query=answers.query_of(library, values["filter"]),
            max_count=values["max_count"], before=values["context"], after=values["context"],
            timeout_seconds=seconds,
        )  # fmt: skip
        return answers.search(library, wanted, values["limit"], answers.skip_of(values["cursor"]))

    return await _ask(asked, job)
