"""Texts that would be scripts, in every field that people or platforms fill: no page runs one or asks for it."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models
from django.test import Client
from django.urls import reverse

from crowd.models import Assignment, Batch, Task
from curation.models import Event, Project
from tests import scenes
from tests.browsing import DESK, PHONE, chromium, watched
from tests.pages import office
from tests.pages.conftest import _no_kept_counts
from tests.portal.conftest import phone_of

__all__ = ["_no_kept_counts"]

CANARIES = (
    "<script>ran=1</script>",
    "<img src=x onerror=ran=1>",
    '"><svg onload=ran=1>',
    "'><svg/onload=ran=1>",
    "</script><script>ran=1</script>",
    "</title><script>ran=1</script>",
    "</textarea><img src=x onerror=ran=1>",
    '" autofocus onfocus=ran=1 x="',
    "' autofocus onfocus=ran=1 x='",
    "javascript:ran=1",
    "<a href=javascript:ran=1>x</a>",
    '<iframe srcdoc="<script>parent.ran=1</script>">',
    "<iframe src=javascript:parent.ran=1>",
    "<details open ontoggle=ran=1>",
    "<video><source onerror=ran=1>",
    "<body onload=ran=1>",
    "<math><mi xlink:href=javascript:ran=1>",
    "<form action=javascript:ran=1><button>",
    "<style>*{background:url(//evil.example)}</style>",
    "<b style=background:url(//evil.example)>",
    "<link rel=stylesheet href=//evil.example>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<object data=//evil.example>",
    "<embed src=//evil.example>",
    "<div hx-get=/ hx-trigger=load hx-on::load=ran=1>",
    "<script nonce>ran=1</script>",
    "<!--><img src=x onerror=ran=1>-->",
    "{{constructor.constructor('ran=1')()}}",
    "\u202e<img src=x onerror=ran=1>",
    "[x](javascript:ran=1)",
    "![x](//evil.example/x.png)",
    '<noscript><p title="</noscript><img src=x onerror=ran=1>">',
    "${ran=1}",
)
# Texts of people and of machines elsewhere; what is left out are words of our own: states, kinds, keys, digests.
TEXTS = {
    *("name", "title", "label", "description", "note", "text", "reply", "message", "reason", "prompt", "hint"),
    *("last_error", "remote_error", "error", "detail", "country", "team", "owner", "consent_text", "licence", "source"),
    *("value", "model", "model_version", "said_by", "intended_use", "limits", "consent", "citation", "tagger"),
    *("ext_id", "client_key", "url", "page_url", "homepage", "query", "pattern", "condition", "key"),
    *("address", "base_url", "email", "host", "platform_state", "ref", "reference", "remote_id", "searx_url"),
    *("stopped", "watermark"),
}
# Fields of words of ours: codes, keys, digests, names in our storage. Whoever adds a field says which it is.
OWN = {
    *("answer", "by_rule", "code", "consent_version", "currency", "event_id", "format", "interface", "kind", "lane"),
    *("language", "leased_by", "library", "method", "page_language", "part", "password", "platform", "project_slug"),
    *("pseudonym", "public_id", "queue", "recipe", "request_id", "secrets", "sha256", "slug", "space", "split"),
    *("state", "subject_type", "time_zone", "topic", "verdict", "version", "word", "class_from", "says"),
    *("session_data", "session_key"),
    *("arrays_key", "example_key", "grey_key", "screen_key", "storage_key", "thumb_key"),
}
TOLD = {"title", "instructions", "label", "words", "question", "hint", "description"}
OURS = {("stage", "name"), ("asset", "reason"), ("decision", "reason"), ("skill", "name"), ("tick", "name"),
        ("reservation", "ref"), ("ledgerentry", "ref")}  # fmt: skip
FOUND = """() => [
  ...(window.ran ? ['a script ran'] : []),
  ...[...document.querySelectorAll('[onerror],[onload],[onfocus],[ontoggle],b[style],iframe,object,embed,base,math')]
    .map((one) => one.outerHTML.slice(0, 120)),
  ...[...document.querySelectorAll('a[href^="javascript:" i],form[action^="javascript:" i]')]
    .map((one) => one.outerHTML.slice(0, 120)),
  ...[...document.querySelectorAll('style,[hx-get="/"],link[href*="evil.example"],meta[content*="evil.example"]')]
    .filter((one) => one.tagName !== 'STYLE' || one.textContent.includes('evil.example'))
    .map((one) => one.outerHTML.slice(0, 120)),
]"""


def text_fields() -> Iterator["tuple[type[models.Model], models.Field[Any, Any]]"]:
    for app in ("crowd", "curation"):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.fields:
                ours = (str(model._meta.model_name), field.name) in OURS
                if isinstance(field, models.CharField | models.TextField) and field.name in TEXTS and not ours:
                    yield model, field


def canary(number: int, longest: int | None) -> str:
    """Return as many canaries as fit, beginning with another one each time, and the number: names are told apart."""
    text, start = f"{number}", number % len(CANARIES)
    for one in CANARIES[start:] + CANARIES[:start]:
        if len(text) + len(one) + 1 <= min(longest or 2_000, 2_000):
            text = f"{one} {text}"
    return text


def plant(project: Project) -> set[str]:
    """Write canaries into every text of every row; return the fields that hold some."""
    number, held = count(), set()
    with connection.cursor() as cursor:  # rows that are never changed once had these words
        cursor.execute("SET session_replication_role = replica")
    for model, field in text_fields():
        for pk in list(model._default_manager.values_list("pk", flat=True)[:40]):
            try:
                text = canary(next(number), field.max_length)
                model._default_manager.filter(pk=pk).update(**{field.name: text})
                held.add(f"{model._meta.model_name}.{field.name}")
            except DatabaseError:  # words that the database knows
                continue
    with connection.cursor() as cursor:
        cursor.execute("RESET session_replication_role")
    for batch in Batch.objects.all():
        batch.spec = told(batch.spec, number)
        batch.save(update_fields=["spec"])
    for _ in range(len(CANARIES)):
        Event.objects.create(kind="project.changed", text=canary(next(number), 300), project_id=project.pk)
    return held


def told(spec: Any, number: Iterator[int], name: str = "") -> Any:
    """Return what is told to workers with canaries in its words; names that the product goes by stay."""
    if isinstance(spec, dict):
        return {key: told(value, number, key) for key, value in spec.items()}
    if isinstance(spec, list):
        return [told(value, number, name) for value in spec]
    return canary(next(number), None) if isinstance(spec, str) and name in TOLD else spec


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_no_text_of_anybody_becomes_a_script_on_any_page(server: str):
    lead = office.operator()
    project, client = office.full_project(lead), Client()
    held = plant(project)
    assert held >= {"project.name", "labelclass.prompt", "worker.name", "asset.name", "pool.title", "job.last_error"}
    assert held >= {"asset.client_key", "worker.ext_id", "webhook.url", "pool.condition", "batch.key"}
    assert held >= {"account.base_url", "batch.remote_id", "task.remote_id", "user.email", "ledgerentry.note"}
    assert len(held) >= 55
    client.force_login(lead)
    pages = office.pages_of(project, client) + office.pages_for_all(client)
    assert len(pages) > 60
    cookie, troubles = client.cookies["sessionid"].value, []
    with chromium() as browser, watched(browser, server, cookie=cookie, **DESK) as tab:
        for page in pages:
            tab.goto(page.url)
            refused = tab.evaluate("window.refusedByPolicy")
            troubles += [f"{page.name}: {one}" for one in [*tab.evaluate(FOUND), *refused]]
    assert troubles == []


def test_every_field_of_text_is_filled_or_known_as_our_own():
    found = {
        field.name
        for app in ("crowd", "curation")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.fields
        if isinstance(field, models.CharField | models.TextField) and not field.choices
    }
    assert found - TEXTS == OWN


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_no_text_of_anybody_becomes_a_script_on_a_workers_page(server: str):
    world = scenes.project()
    image = scenes.stored(scenes.jpeg())
    found = [places_of(world, interface, image) for interface in ("photo", "link", "choice", "pair", "text", "boxes")]
    assert plant(world) >= {"project.consent_text", "task.hint", "worker.name"}
    for number, task in enumerate(Task.objects.all()):
        words = {"class": canary(number, 500), "prompt": canary(number + 1, 500)}
        Task.objects.filter(pk=task.pk).update(payload={**task.payload, **words})
    troubles = []
    with chromium() as browser:
        for cookie, places in found:
            with watched(browser, server, cookie=cookie, **PHONE) as tab:
                for name, url in places:
                    tab.goto(url)
                    assert "earnings" in name or "ran=1" in tab.content(), f"{name} shows none of it"
                    refused = tab.evaluate("window.refusedByPolicy")
                    troubles += [f"{name}: {one}" for one in [*tab.evaluate(FOUND), *refused]]
    assert troubles == []


def places_of(world: Project, interface: str, image: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the session of somebody who has taken a page of this work, and the pages that this person sees."""
    batch = scenes.batch(world, interface)
    for number in range(3):
        scenes.task(batch, f"{interface}-{number}", image=image, hint="Look.")
    hand = scenes.worker(interface)
    client = phone_of(hand)
    client.post(reverse("w-take", args=[batch.pk]))
    page = Assignment.objects.get(worker=hand)
    shown = {"home": reverse("w-home"), "earnings": reverse("w-earnings"), "page": reverse("w-page", args=[page.pk])}
    return client.cookies["sessionid"].value, [(f"{interface}: {name}", url) for name, url in shown.items()]
