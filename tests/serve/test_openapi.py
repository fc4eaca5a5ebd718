"""The OpenAPI document against the server: every route is in it, and every answer is what it says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import CHECKS

from collector.serve.access import Access
from collector.serve.app import build_app
from collector.serve.openapi import document
from collector.serve.pool import Pool
from collector.serve.routes import ENDPOINTS
from tests.conftest import PROJECT
from tests.serve.conftest import HEADERS, TOKEN, Served

# What is no filter, range or cursor is a text all the same, and refused.
UNSAID = {"positive_data_acceptance"}
EXAMPLES = int(os.environ.get("ACODE_EXAMPLES", "2"))
OPERATIONS = [
    (path, method) for path, item in document(ENDPOINTS)["paths"].items() for method in item
    if path != "/events"  # has no end
]  # fmt: skip


@pytest.fixture(scope="module")
def api(served: Served) -> Iterator[Any]:
    """The document, as the server itself hands it out, and the way to ask that server."""
    pool = Pool(served.place)
    app = build_app(pool, Access(TOKEN, 80))
    yield schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS)
    pool.close()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_what_the_document_says(api: Any, path: str, method: str) -> None:
    operation = api[path][method.upper()]
    names = [name for name in CHECKS.get_all_names() if name not in UNSAID]
    assert {"response_schema_conformance", "status_code_conformance", "ignored_auth"} <= set(names)
    checks: Any = [CHECKS.get_one(name) for name in names]

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    def ask(case: Case[Any]) -> None:
        case.call_and_validate(
            headers=HEADERS,
            checks=checks,
        )

    ask()


def test_the_document_names_what_the_table_has() -> None:
    found = document(ENDPOINTS)
    assert found["openapi"] == "3.1.0"
    assert set(found["paths"]) == {endpoint.path for endpoint in ENDPOINTS}
    names = [operation["operationId"] for item in found["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


def test_the_documentation_has_every_endpoint_and_parameter() -> None:
    text = (PROJECT / "docs" / "http.md").read_text()
    for endpoint in ENDPOINTS:
        assert f"`{endpoint.method} {endpoint.path}`" in text
        for item in endpoint.parameters:
            assert f"`{item.name}`" in text or f"{{{item.name}}}" in endpoint.path


def test_the_command_prints_the_document(served: Served) -> None:
    printed = served.acode.run("serve", "--openapi")
    assert json.loads(printed.stdout) == json.loads(json.dumps(document(ENDPOINTS)))
