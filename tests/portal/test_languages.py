"""English and Russian: every sentence is there, whole and in the right number, and a page speaks one language."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from crowd.models import Assignment, Batch, Skill
from crowd.services import claims, handing_in, invitations
from curation.portal import amounts, catalogue
from curation.portal.words import COMMON, SPOKEN
from tests import scenes
from tests.portal.test_own_people import rejected

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "locale" / "ru" / "LC_MESSAGES"
RUSSIAN = {"headers": {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"}}
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}|<b[^>]*>")
# Names, and words that are the same everywhere.
STAYS = {"Wanda", "English", "UTC", "CSV", "JavaScript", "Too", "quick"}


@pytest.fixture(scope="module")
def russian():
    return catalogue.read(FOLDER / "django.po")


# --- the catalogue ----------------------------------------------------------------------------------------------------
def test_every_sentence_of_the_workers_pages_is_there_in_russian(russian):
    wanted = catalogue.messages(ROOT)
    assert catalogue.missing(russian, wanted) == []
    assert {message.id for message in russian if message.id} == {
        (one, many) if many else one for one, many, _ in wanted
    }


def test_a_sentence_without_a_translation_is_named(russian):
    assert catalogue.missing(russian, {("Nobody has said this.", None, ""), ("Yes", None, "")}) == [
        "Nobody has said this."
    ]


def test_the_compiled_catalogue_is_what_the_text_says(russian):
    assert catalogue.compiled(russian) == (FOLDER / "django.mo").read_bytes()


def test_translations_keep_the_places_for_values(russian):
    for message in russian:
        told = message.string if isinstance(message.string, tuple) else (message.string,)
        said = message.id[0] if isinstance(message.id, tuple) else message.id
        for one in told if said else ():
            assert sorted(HOLES.findall(one)) == sorted(HOLES.findall(said)), one


def test_modules_say_only_what_is_in_the_list():
    said = set()
    for path in (ROOT / "static/js/worker").glob("*.js"):
        said.update(re.findall(r'\bt\(\s*"([^"]+)"', path.read_text("utf-8")))
    editors = ("box-editor", "box-drawing", "outline-editor", "outline-drawing")
    editor = "".join((ROOT / f"static/js/{part}.js").read_text("utf-8") for part in editors)
    said.update(re.findall(r'this\.words\("([^"]+)"', editor))
    said.update(re.findall(r'"say", (?:(?:box\.)?label \? )?"([^"]+)"', editor))
    assert len(said) > 30
    assert said - set(COMMON).union(*SPOKEN.values()) == set()


@pytest.mark.parametrize(
    ("n", "told"), [(1, "принята 1 страница"), (3, "приняты 3 страницы"), (5, "принято 5 страниц"), (21, "принята 21")]
)
def test_russian_counts_as_russians_do(n, told):
    with translation.override("ru"):
        assert (translation.ngettext("%(n)s page accepted", "%(n)s pages accepted", n) % {"n": n}).startswith(told)


def test_money_and_days_are_written_as_the_language_does():
    day = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
    with translation.override("ru"):
        assert amounts.price(45_000).replace("\xa0", " ") == "0,045 $"
        assert amounts.total(41_870_000_000, "EUR").replace("\xa0", " ") == "41 870,00 €"
        assert amounts.day(day) == "21 ноября 2026"
    with translation.override("en"):
        assert (amounts.price(40_000), amounts.total(1_239_999)) == ("$0.04", "$1.24")
        assert amounts.moment(day) == "Nov 21, 14:05 UTC"


# --- whose language ---------------------------------------------------------------------------------------------------
@pytest.fixture
def link(world) -> str:
    week = timezone.now() + timedelta(days=7)
    account = invitations.inhouse_account()
    token = invitations.invite(
        project_id=world.pk, account_id=account.pk, label="", max_uses=9, expires_at=week, by_id=None
    )
    return reverse("w-join", args=[token])


def text(reply) -> str:
    return reply.content.decode()


def test_the_browser_decides_until_somebody_chooses(client, link):
    assert '<html lang="ru"' in text(client.get(link, **RUSSIAN))
    assert '<html lang="en"' in text(client.get(link, headers={"Accept-Language": "de, fr;q=0.5"}))
    assert '<html lang="en"' in text(client.get(f"{link}?lang=en", **RUSSIAN))
    assert '<html lang="ru"' in text(client.get(f"{link}?lang=xx", **RUSSIAN))


def test_the_language_of_the_invitation_page_stays(client, link):
    client.post(f"{link}?lang=ru", {"name": "Wanda", "agree": "yes", "adult": "yes"})
    assert "Здравствуйте, Wanda" in text(client.get(reverse("w-home")))


def test_a_worker_changes_the_language_for_good(wandas, wanda):
    answer = wandas.post(reverse("w-language"), {"language": "ru", "back": reverse("w-earnings")})
    assert answer.url == reverse("w-earnings")
    assert "Заработок" in text(wandas.get(reverse("w-earnings")))
    wandas.post(reverse("w-language"), {"language": "klingon", "back": "https://elsewhere.example/"})
    wanda.refresh_from_db()
    assert wanda.page_language == "ru"


def test_the_switch_leads_to_our_own_pages_only(wandas):
    for away in ("https://elsewhere.example/w/", "//elsewhere.example/w/", "/admin/"):
        assert wandas.post(reverse("w-language"), {"language": "en", "back": away}).url == reverse("w-home")


def test_a_stranger_has_no_language_to_keep(client, db):
    assert client.post(reverse("w-language"), {"language": "ru"}).status_code == 404


def test_office_pages_stay_english(world):
    desk = Client()
    desk.force_login(scenes.person("Alice"))
    assert '<html lang="en"' in text(desk.get(reverse("projects"), **RUSSIAN))


def test_refusals_are_said_in_the_workers_language(wandas, world):
    batch = scenes.batch(world, "choice", page_size=1)
    scenes.task(batch, "one", image=scenes.stored(scenes.jpeg(size=(320, 180))))
    wandas.post(reverse("w-take", args=[batch.pk]))
    page = Assignment.objects.get()
    nothing = {"answers": {}, "ms": 1}
    reply = wandas.post(reverse("w-submit", args=[page.pk]), nothing, content_type="application/json", **RUSSIAN)
    assert reply.json()["title"] == "Не хватает ответа: он нужен в каждом задании страницы."


# --- one language a page ----------------------------------------------------------------------------------------------
def english_in(html: str) -> set[str]:
    """Words in Latin letters that a reader would see or hear."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    spoken = " ".join(re.findall(r'(?:alt|aria-label|placeholder|title)="([^"]*)"', shown))
    said = unescape(re.sub(r"<[^>]*>", " ", shown)) + " " + spoken.replace("https://", "")
    return set(re.findall(r"[A-Za-z]{2,}", re.sub(r"\bw_[0-9a-f]{6}\b", "", said))) - STAYS


def wanted_pages(world, wanda) -> list[str]:
    """A world in which every page has something to say."""
    key = scenes.stored(scenes.jpeg(size=(320, 180)))
    skill = Skill.objects.create(account=wanda.account, name="Checking static gestures: exam")
    exam = scenes.batch(world, "choice", kind=Batch.Kind.EXAM, price_micro=0, page_size=1, grants_skill=skill)
    scenes.task(exam, "known", image=key, known="correct", hint="The photo lies on its side.")
    scenes.task(scenes.batch(world, "choice", needs_skill=skill, needs_value=70), "behind", image=key)
    pages = []
    for interface in ("choice", "boxes", "outlines", "photo", "link", "pair", "text"):
        batch = scenes.batch(world, interface, page_size=2)
        batch.spec["instructions"] = ["The whole hand is in the picture"]
        batch.save(update_fields=["spec"])
        for name in ("one", "two"):
            scenes.task(batch, name, image=key)
        pages.append(claims.claim_page(batch_id=batch.pk, worker_id=wanda.pk, now=timezone.now()))
    done = claims.claim_page(batch_id=exam.pk, worker_id=wanda.pk, now=timezone.now())
    answers = {answer.pk: {"answer": "incorrect"} for answer in done.answers.all()}
    handing_in.submit_page(
        assignment_id=done.pk, worker_id=wanda.pk, answers=answers, duration_ms=9, now=timezone.now()
    )
    refused = rejected(world, wanda)
    return [
        reverse("w-home"),
        reverse("w-earnings"),
        reverse("w-result", args=[done.pk]),
        reverse("w-appeal", args=[refused.pk]),
        *(reverse("w-page", args=[page.pk]) for page in pages),
        *(f"{reverse('w-page', args=[page.pk])}?task=3" for page in pages),
    ]


def test_a_page_in_russian_has_no_english_left(wandas, wanda, world, client, link):
    world.name = "Жесты"
    world.save(update_fields=["name"])
    found = {url: english_in(text(wandas.get(url, **RUSSIAN))) for url in wanted_pages(world, wanda)}
    found |= {url: english_in(text(client.get(url, **RUSSIAN))) for url in (reverse("w-home"),)}
    join = re.sub(r"<option.*?</option>", "", text(client.get(link, **RUSSIAN)))
    found[link] = english_in(join)
    assert {url: words for url, words in found.items() if words} == {}
