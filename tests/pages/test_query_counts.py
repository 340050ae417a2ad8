"""SQL statements of every page, at most 12, against a baseline.

After a change on purpose: WRITE_QUERY_COUNTS=1 pytest this file.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.pages import office

pytestmark = pytest.mark.django_db
BASELINE = Path(__file__).with_name("query_counts.json")
MOST = 12


def counts() -> dict[str, int]:
    lead = office.operator()
    project, client = office.full_project(lead), Client()
    client.force_login(lead)
    pages = office.pages_of(project, client) + office.pages_for_all(client)
    return {page.name: _count(page.url, client) for page in sorted(pages, key=lambda page: page.name)}


def _count(url: str, client: Client) -> int:
    cache.clear()
    with connection.execute_wrapper(_with_patience), CaptureQueriesContext(connection) as seen:
        client.get(url)
    return len(seen)


def _with_patience(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Give a look that is bounded in time all of it: on a slow machine a page that gives up asks something else."""
    return execute(sql, ["0"] if "set_config('statement_timeout'" in sql else params, many, context)


def test_no_page_asks_more_than_it_did():
    found = counts()
    if os.environ.get("WRITE_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    known: dict[str, int] = json.loads(BASELINE.read_text(encoding="utf-8"))
    limits = {name: min(MOST, known.get(name, MOST)) for name in found}
    assert {name: f"{n} instead of {limits[name]}" for name, n in found.items() if n > limits[name]} == {}
