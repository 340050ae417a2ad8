"""Values no honest program sends, in every field of the API and of every page: an answer in words, never a fault."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from curation.models import Project, User
from tests.api.conftest import (  # noqa: F401  fixtures
    Caller,
    alice,
    delivery,
    export,
    people,
    pool,
    project,
    token_of,
    world,
)
from tests.pages import office

pytestmark = [pytest.mark.django_db, pytest.mark.hostile]
ROOT = Path(settings.BASE_DIR)
NOT_A_WORD = {
    "NUL": '"a\\u0000b"',
    "half a character": '"\\ud800"',
    "deep": "[" * 10_000 + "]" * 10_000,
    "deep words": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "huge number": "9" * 400,
    "no float": "1e400",
    "below nothing": "-1",
    "too long": json.dumps("x" * 300_000),
    "a list of lists": "[[]]",
    "words": '{"$gt": ""}',
    "half of an escape": '"\\u00"',
}
ODD_TEXTS = {
    "NUL": "a\x00b",
    "endless": "Infinity",
    "huge": "9" * 400,
    "other digits": "１２",
    "brackets": "__class__" + "(" * 3_000,
}
ASKED_FOR = re.compile(r'(?:GET|POST|query_params)(?:\.get|\.getlist)?[\(\[]\s*"(\w+)"|typed\(request, "(\w+)"')


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return method, address and fields of every operation that takes one JSON document of known fields."""
    told = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
    for address, operations in told["paths"].items():
        for method, one in operations.items():
            form = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            known = told["components"]["schemas"].get(form.get("$ref", "").rpartition("/")[2], form)
            if known.get("properties"):
                yield method, address, known["properties"]


BODIES = list(bodies())


def filled(address: str, place: dict[str, str]) -> str:
    return re.sub(r"{(\w+?)(_id)?}", lambda found: str(place.get(found[1], 1)), address)


def body_with(fields: dict[str, Any], place: dict[str, str], name: str, value: str) -> str:
    """Return a document with an odd value in one field; the others that name something name what is there."""
    others = {one: json.dumps(place[one]) for one in fields if one in place and one != name}
    return "{" + ",".join(f'"{one}": {text}' for one, text in {**others, name: value}.items()) + "}"


@pytest.mark.parametrize("odd", NOT_A_WORD)
def test_no_odd_value_in_any_field_of_the_api_is_more_than_a_refusal(odd: str, world, people):  # noqa: F811
    cache.clear()
    wrong: list[str] = []
    caller = Caller(token_of(people["Alice"]))
    for method, address, fields in BODIES:
        for name in fields:
            with transaction.atomic():
                answer = sent(caller, method, address, body_with(fields, world, name, NOT_A_WORD[odd]), world)
                transaction.set_rollback(True)
            if answer.status_code >= 500 or not is_said(answer):
                wrong.append(f"{method} {address} {name}: {answer.status_code} {answer.content[:150]!r}")
    assert wrong == []


def is_said(answer: Any) -> bool:
    """Whether a refusal is a sentence; what is accepted has a meaning, such as a number or none."""
    return answer.status_code < 400 or bool(json.loads(answer.content)["detail"])


@pytest.mark.parametrize("odd", ["NUL", "half a character", "NaN", "deep", "a list of lists"])
def test_a_refusal_names_the_field_or_says_that_it_is_no_json(odd: str, world, people):  # noqa: F811
    """Of each operation the first field that names nothing."""
    caller = Caller(token_of(people["Alice"]))
    silent: list[str] = []
    for method, address, fields in BODIES:
        name = next((one for one in fields if one not in world), "")
        if not name:
            continue
        with transaction.atomic():
            answer = sent(caller, method, address, body_with(fields, world, name, NOT_A_WORD[odd]), world)
            transaction.set_rollback(True)
        told = json.loads(answer.content)
        if answer.status_code == 400 and told["code"] != "parse_error" and name not in told["detail"]:
            silent.append(f"{method} {address} {name}: {told}")
    assert silent == []


def sent(caller: Caller, method: str, address: str, body: str, place: dict[str, str]) -> Any:
    return caller.generic(method.upper(), filled(address, place), body, content_type="application/json")


LINES = [
    '{"client_key": "a\\u0000"}', '{"client_key": "\\ud800", "url": "http://a"}', "NaN", "[" * 10_000, "{}", '"x"',
    "\x00",
    '{"client_key": "a", "upload": "' + "9" * 400 + '"}', '{"client_key": 1e400}', '{"client_key": {"a": []}}',
    '{"image": "a.jpg", "boxes": [{"label": "a", "x": -9, "y": 0, "w": 1e999, "h": NaN}]}',
    '{"image": "a.jpg", "boxes": [{"label": "a", "x": 0.5, "y": 0.5, "w": 9, "h": 9, "score": Infinity}]}',
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_an_odd_line_is_answered_with_its_number_or_refused(line: str, alice: Caller, world):  # noqa: F811
    for address in (f"/api/v1/assets:batch?project={world['project']}", predictions_to(world)):
        answer = alice.post(address, line + "\n", content_type="application/jsonl")
        assert answer.status_code < 500, answer.content
        if answer.status_code == 200:
            rows = [json.loads(one) for one in answer.content.decode().splitlines()]
            assert [row.get("status") for row in rows if "status" in row] in ([], ["refused"])


def predictions_to(place: dict[str, str]) -> str:
    return f"/api/v1/predictions?dataset={place['dataset']}&model=m&model_version=1"


# Pages


def asked_for() -> list[str]:
    """Return every name that some page reads from an address or a form."""
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "curation").rglob("*.py")]
    return sorted({one or other for text in code for one, other in ASKED_FOR.findall(text)})


def test_the_names_that_pages_ask_for_are_found():
    assert {"q", "page", "email", "note", "reason"} <= set(asked_for())


@pytest.mark.parametrize("page", ["new-project", "plan-save", "plan-rehearse", "plan-file", "plan-try"])
def test_a_plan_with_too_much_text_is_refused_with_its_bound(page: str, lead: User):
    client = Client()
    client.force_login(lead)
    url = reverse(page, args=["validate"] if page == "plan-try" else [])
    answer = client.post(url, {"name": "x" * 300_000})
    assert answer.status_code == 413
    assert answer.content.decode() == "A plan holds at most 256 KB of text.\n"


@pytest.fixture
def lead() -> User:
    return office.operator()


@pytest.fixture
def full(lead: User) -> Project:
    return office.full_project(lead)


def test_no_odd_value_in_an_address_or_a_form_of_any_page_is_a_fault_of_ours(full: Project, lead: User):
    client = Client(raise_request_exception=False)
    client.force_login(lead)
    names, wrong = asked_for(), []
    for number, page in enumerate(places(full)):
        for odd, text in few(number):
            for method in (client.get, client.post):
                with transaction.atomic():
                    answer = method(page.url, dict.fromkeys(names, text))
                    transaction.set_rollback(True)
                if answer.status_code >= 500:
                    wrong.append(f"{method.__name__} {page.name} {odd}: {answer.status_code}")
    assert wrong == []


def few(number: int) -> list[tuple[str, str]]:
    """Return one odd text for each page in turn; all of them where `FUZZ_MINUTES` is set."""
    all_of_them = list(ODD_TEXTS.items())
    return all_of_them if os.environ.get("FUZZ_MINUTES") else [all_of_them[number % len(all_of_them)]]


def places(full: Project) -> list[office.Page]:
    own = office._own(full)
    found = (office._address(pattern, own) for pattern in office._patterns())
    return [page for page in found if page and page.name not in {"sign-out", "live", "live-home"}]
