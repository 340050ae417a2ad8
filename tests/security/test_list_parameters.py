"""Expressions of the database in the parameters of lists and pages: refused or ignored, never asked of it."""

import re
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import Caller
from tests.api.conftest import world as api_world
from tests.api.test_access import ROUTES
from tests.api.test_strangers import OF_PROJECTS, url_of, world
from tests.security.test_matrix import ask, roles

__all__ = ["api_world", "roles", "world"]
pytestmark = pytest.mark.django_db

EXPRESSIONS = {
    "user__password__startswith": "argon2",
    "created_by__password__regex": "^a",
    "project__memberships__user__email__contains": "alice",
    "by__api_tokens__secret_hash__gt": "0",
    "id__in": "1,2,3",
    "pk": "1",
    "_connector": "OR 1=1",
    "_negated": "1",
    "ordering": "user__password",
    "order_by": "?",
    "sort": "-created_by__password",
    "fields": "secrets",
    "include": "created_by.password",
}
HOSTILE = ("-1", "1e9", "' OR 1=1 --", "{{7*7}}", "\x00", "id__gt", "😀" * 300, "../../etc/passwd")


def test_a_list_of_the_api_knows_its_own_parameters_only(alice: Caller, api_world):
    checked = 0
    for route in ROUTES:
        if route.method != "GET":
            continue
        cache.clear()  # the rate of calls is counted there
        path = "/api/v1/" + route.path.format(**api_world)
        alice.get(path)  # what is remembered after the first time is no difference
        plain, usual = asked_of_the_database(alice, path)
        for asked in [{name: value} for name, value in EXPRESSIONS.items()] if route.is_list else [EXPRESSIONS]:
            answer, statements = asked_of_the_database(alice, f"{path}{'&' if '?' in path else '?'}{urlencode(asked)}")
            if answer.status_code == 400:
                assert "argon2" not in answer.content.decode().replace("'argon2'", ""), (path, asked)
            elif answer.status_code == 200:
                assert answer.json() == plain.json(), (path, asked)
                assert statements == usual, (path, asked)
            else:
                assert answer.status_code == plain.status_code, (path, asked)
            checked += 1
    assert checked > 200


def asked_of_the_database(alice: Caller, path: str) -> tuple[Any, list[str]]:
    """Return the answer, and the statements without their values: the same ones take the same time."""
    with CaptureQueriesContext(connection) as done:
        answer = alice.get(path)
    return answer, [re.sub(r"'[^']*'|\d+", "?", one["sql"]) for one in done.captured_queries]


def test_a_hostile_value_of_a_known_parameter_is_refused_in_a_sentence(alice: Caller, api_world):
    hostile = cycle(HOSTILE)
    for route in ROUTES:
        if route.is_list and route.method == "GET":
            cache.clear()
            for name in ("cursor", "limit", "project", "state", "q", "since", "count"):
                for value in (next(hostile), next(hostile), next(hostile)):
                    answer = alice.get(f"/api/v1/{route.path.format(**api_world)}", {name: value})
                    assert answer.status_code in {200, 400, 404}, (route.path, name, value)


def test_no_page_asks_the_database_what_its_address_says(world, roles):
    known = ("page", "sort", "state", "q", "before", "about", "person", "since", "shown", "level", "stage")
    query = urlencode(EXPRESSIONS | dict.fromkeys(known, "user__password\0'"))
    for name, place in OF_PROJECTS:
        assert ask(roles["lead"], "get", f"{url_of(place, world)}?{query}") < 500, name
