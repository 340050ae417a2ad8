"""Every route by every role: pages, media, exports, the workers' pages, pages inside platforms, the API, websockets.

The routes come from the address list itself and each belongs to one rule below, so that a new one fails here until it
is said whose it is. The API by scopes, project lists, dead tokens and roles: tests/api/test_access.py; a websocket:
tests/api/test_strangers.py.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from curation.live.routes import routes
from curation.models import Export, Membership, Pool, Project, User, WebhookDelivery
from tests.api.conftest import Caller, token_of
from tests.api.conftest import world as api_world
from tests.api.test_access import ROUTES, call
from tests.api.test_strangers import (
    OF_OPERATORS,
    OF_PROJECTS,
    OF_THE_PERSON,
    OPEN_TO_ALL,
    REVIEWERS_POST,
    VIEWERS_POST,
    addresses,
    url_of,
    world,
)
from tests.factories import make_project, make_user, make_worker
from tests.security.rows import rows

__all__ = ["api_world", "world"]
pytestmark = pytest.mark.django_db

OUTSIDERS = ("stranger", "lead elsewhere", "operator")
MEMBERS = ("viewer", "reviewer", "lead")
NO_ROWS = {"public_id", "number"}  # the project itself; places in a list of its own
NO_METHODS = ("delete",)
WORKERS_DOOR = {"w-home", "w-join", "w-leave", "w-language"}
OPEN_TO_MACHINES = {"api-schema", "api-docs", "api-nothing"}


@pytest.fixture
def every_row(project: Project, pool: Pool, export: Export, delivery: WebhookDelivery, people: dict[str, User]) -> Any:
    return {"public_id": project.public_id, **rows(project, pool, export.dataset, delivery, people["Alice"])}


@pytest.fixture
def roles(people: dict[str, User], project: Project) -> dict[str, Client]:
    """One browser for each role; Olga leads another project, Otto runs the server, Wanda works."""
    olga, otto = make_user("Olga"), make_user("Otto")
    make_project("Olga's", lead=olga)
    User.objects.filter(pk=otto.pk).update(is_staff=True, is_superuser=True)
    users = {
        "viewer": people["Vera"],
        "reviewer": people["Rita"],
        "lead": people["Alice"],
        "stranger": people["Charlie"],
        "lead elsewhere": olga,
        "operator": otto,
    }
    clients = {name: Client() for name in (*users, "anonymous", "worker")}
    for name, user in users.items():
        clients[name].force_login(user)
    session = clients["worker"].session
    session["worker_id"] = make_worker().pk
    session.save()
    clients["worker"].cookies["sessionid"] = session.session_key
    return clients


def ask(browser: Client, method: str, url: str) -> int:
    """Return the status of a request whose traces in the database are taken back."""
    before = transaction.savepoint()
    try:
        return int(getattr(browser, method)(url).status_code)
    finally:
        transaction.savepoint_rollback(before)


def wrong(browser: Client, places: dict[str, str], methods: tuple[str, ...], right: set[int]) -> dict[str, int]:
    """Return the answers that are none of the right ones; a method that an address does not serve is right."""
    seen = {f"{method} {name}": ask(browser, method, url) for name, url in places.items() for method in methods}
    return {what: status for what, status in seen.items() if status not in right | {405}}


def places_of(names: set[str], world: dict[str, Any]) -> dict[str, str]:
    return {name: url_of(place, world) for name, place, _ in addresses() if name in names}


def plain(prefix: str) -> Iterator[tuple[str, str]]:
    """Return name and place of the addresses of one part of the list whose parts have a kind."""
    return ((name, place) for name, place in under(prefix) if "?P<" not in place)


def under(prefix: str) -> Iterator[tuple[str, str]]:
    """Return name and place of the addresses of one part of the list."""

    def walk(patterns: Any, before: str) -> Iterator[tuple[str, str]]:
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, before + str(one.pattern))
            elif isinstance(one, URLPattern):
                yield one.name or str(one.pattern), before + str(one.pattern)

    inner = next(one for one in get_resolver().url_patterns if str(one.pattern) == prefix)
    return walk(inner.url_patterns, prefix)


def test_every_route_has_a_rule():
    known = OPEN_TO_ALL | OF_THE_PERSON | OF_OPERATORS | {name for name, _ in OF_PROJECTS}
    assert {name for name, _, _ in addresses()} == known
    assert {name for name, _ in under("api/")} - {"schema", "docs"} == {route.name for route in ROUTES} | {
        *OPEN_TO_MACHINES
    } - {"schema", "docs"}
    prefixes = {str(one.pattern) for one in get_resolver().url_patterns if isinstance(one, URLResolver)}
    assert prefixes == {"", "w/", "x/", "api/"}
    assert [str(route.pattern) for route in routes] == ["ws/projects/<uuid:public_id>/", ""]


def test_whoever_has_no_account_here_gets_nothing_but_the_door(world, roles):
    closed = {name: url_of(place, world) for name, place, _ in addresses() if name not in OPEN_TO_ALL}
    for role in ("anonymous", "worker"):
        assert wrong(roles[role], closed, ("get", "post"), {302}) == {}, role
    assert wrong(roles["anonymous"], closed, NO_METHODS, {302}) == {}
    page = roles["anonymous"].get(closed["project"])
    assert page.headers["Location"].startswith("/sign-in/?next=")


def test_no_project_is_there_for_those_who_are_not_its_members(world, roles):
    places = {name: url_of(place, world) for name, place in OF_PROJECTS}
    for role in OUTSIDERS:
        assert wrong(roles[role], places, ("get", "post"), {404}) == {}, role


def test_nothing_of_a_project_is_reached_through_another_one(every_row, roles):
    """Olga leads a project of her own and names the rows of Alice's behind it; Alice finds each kind in hers."""
    foreign = {
        name: place
        for name, place, parts in addresses()
        if "public_id" in parts and any(part.endswith("_id") and part != "public_id" for part in parts)
    }
    kinds = {name: set(re.findall(r"<(?:int|uuid):(\w+)>", place)) - NO_ROWS for name, place in foreign.items()}
    assert set().union(*kinds.values()) == set(every_row) - {"public_id"}
    own = {**every_row, "public_id": Project.objects.get(name="Olga's").public_id}
    places = {name: url_of(place, own) for name, place in foreign.items()}
    assert wrong(roles["lead elsewhere"], places, ("get", "post"), {404}) == {}
    missed = set(every_row) - {"public_id"}
    for name, place in foreign.items():
        for method in ("get", "post"):
            if kinds[name] & missed and ask(roles["lead"], method, url_of(place, every_row)) not in {404, 405}:
                missed -= kinds[name]
    assert missed == set()


def test_only_operators_see_the_server(world, roles):
    places = places_of(OF_OPERATORS, world)
    for role in (*MEMBERS, "stranger", "lead elsewhere"):
        assert wrong(roles[role], places, ("get", "post"), {404}) == {}, role
    assert ask(roles["operator"], "get", places["system"]) == 200


def test_members_read_and_change_what_their_role_allows(world, roles):
    places = {name: url_of(place, world) for name, place in OF_PROJECTS}
    for role, allowed in (("viewer", VIEWERS_POST), ("reviewer", VIEWERS_POST | REVIEWERS_POST)):
        done = {name for name, url in places.items() if ask(roles[role], "post", url) not in {404, 405}}
        assert done == allowed, role
    for role in MEMBERS:
        seen = {name: ask(roles[role], "get", url) for name, url in places.items()}
        assert {name: status for name, status in seen.items() if status >= 500 or status == 403} == {}, role


def test_the_workers_pages_know_workers_only(world, roles):
    known = {"token": "x", "visit": "x", "answer_id": 1, "page_id": 1, "batch_id": 1, "upload_id": UUID(int=1)}
    places = {name: url_of(place, known) for name, place in plain("w/") if name not in WORKERS_DOOR}
    for role in ("anonymous", *OUTSIDERS, *MEMBERS):
        assert wrong(roles[role], places, ("get", "post"), {302, 401, 403, 404}) == {}, role


def test_pages_inside_platforms_open_for_nobody_without_their_signed_link(world, roles):
    known = {"token": "x", "answer_id": 1, "page_id": 1, "account_id": 1, "slug": "x"}
    places = {name: url_of(place, known) for name, place in plain("x/")}
    for role in roles:
        assert wrong(roles[role], places, ("get", "post"), {400, 403, 404, 410}) == {}, role


def test_the_api_hides_a_project_from_leads_elsewhere_operators_and_workers(api_world, roles, people):
    olga, otto = User.objects.get(name="Olga"), User.objects.get(name="Otto")
    assert not Membership.objects.filter(user=otto).exists()
    for caller in (Caller(token_of(olga)), Caller(token_of(otto))):
        for route in ROUTES:
            before = transaction.savepoint()
            answer = call(caller, route, api_world)
            transaction.savepoint_rollback(before)
            if route.is_list and answer.status_code == 200:
                found = {str(row.get("project", row.get("id"))) for row in answer.json()["results"]}
                assert api_world["project"] not in found, route
            else:
                assert answer.status_code in ({400, 403, 404, 409} if route.is_list else {404}), route
    assert {call(roles["worker"], route, api_world).status_code for route in ROUTES} == {401}
