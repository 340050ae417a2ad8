"""Workers send links instead of files: each verdict has its sentence, and only a good file is stored."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import translation

from crowd.errors import BadAnswer
from crowd.links import submission_of
from crowd.models import AnswerRaw, Assignment, RemoteFile
from crowd.services import claims, files, handing_in, inbox
from tests.crowd import market, remote
from tests.crowd.fetching.servers import Bait, Site
from tests.crowd.fetching.servers import page as a_page
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State
LINK = "https://files.example/me.jpg"
PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 20


def sent(link: str, *, auto_accept: bool = False) -> Assignment:
    """A page with one link, handed in by somebody in-house."""
    of = market.batch("link", auto_accept=auto_accept, price_micro=100_000)
    market.tasks(of)
    page = market.claim(of, market.worker(of.account))
    return handed_in(page, link)


def handed_in(page: Assignment, link: str) -> Assignment:
    answers = {task.answer_id: {"link": link} for task in claims.page_tasks(page)}
    handing_in.submit_page(
        assignment_id=page.pk, worker_id=page.worker_id, answers=answers, duration_ms=60_000, now=NOON
    )
    RemoteFile.objects.update(next_at=NOON)
    page.refresh_from_db()
    return page


def fetched(page: Assignment, site: Site | None = None, path: str = "", at=NOON) -> Assignment:
    """Fetch what is due; a test's own site stands where the link leads to."""
    if site is not None:
        RemoteFile.objects.filter(assignment=page).update(ref=site.url(path))
    files.fetch_due(now=at, allow=site.allow if site else frozenset())
    page.refresh_from_db()
    return page


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("", "A link is missing"),
        (7, "A link is missing"),
        ("my video", "holds a space"),
        ("http://files.example/a.mp4", "must start with https://"),
        ("ftp://files.example/a.mp4", "must start with https://"),
        ("javascript:alert(1)", "must look like https://"),
        ("https://wanda:secret@files.example/a.mp4", "without a user name"),
        ("https://files.example:8080/a.mp4", "Port 8080"),
        ("https://files.example/a b.mp4", "a space"),
        ("https://files.example/" + "a" * 3000, "at most 2048"),
    ],
)
def test_a_link_that_cannot_be_one_is_refused_in_a_sentence_and_the_page_stays(link, says):
    with pytest.raises(BadAnswer, match=says):
        sent(link)
    assert Assignment.objects.get().state == State.ACTIVE


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("ftp://files.example/a.mp4", "Адреса ftp:// не подходят; адрес должен начинаться с https://."),
        (
            "https://files.example:8080/a.mp4",
            "Порт 8080 у files.example не годится; адрес должен быть на порту 80 / 443.",
        ),
    ],
)
def test_the_sentence_is_in_the_workers_language(link, says):
    with translation.override("ru"), pytest.raises(BadAnswer) as refused:
        sent(link)
    assert str(refused.value) == f"Эта ссылка не подходит. {says}"


def test_a_page_waits_for_what_its_link_leads_to():
    page = sent(LINK)
    assert (page.state, page.awaits_files) == (State.SUBMITTED, True)
    assert not AnswerRaw.objects.exists()
    assert RemoteFile.objects.get().ref == LINK


def test_a_good_link_is_fetched_and_kept_with_its_address():
    with Site() as site:
        site.pages["/me.jpg"] = a_page(PHOTO)
        page = fetched(sent(LINK), site, "/me.jpg")
    payload = AnswerRaw.objects.get().payload
    assert payload["link"] == LINK
    assert default_storage.open(payload["file"]["key"]).read() == PHOTO
    assert (page.state, page.awaits_files) == (State.SUBMITTED, False)


def test_a_pool_without_review_pays_when_the_file_is_here_and_not_before():
    with Site() as site:
        site.pages["/me.jpg"] = a_page(PHOTO)
        page = sent(LINK, auto_accept=True)
        assert page.state == State.SUBMITTED
        assert fetched(page, site, "/me.jpg").state == State.ACCEPTED


VERDICTS = {
    "/gone.jpg": (a_page(status=404), "answered 404"),
    "/about.html": (a_page(b"\n<!DOCTYPE html><p>Download my video"), "leads to a web page, not to a file"),
    "/inside": (a_page(status=302, Location="https://10.0.0.7/me.jpg"), "10.0.0.7"),
    "/huge.jpg": (a_page(Content_Length="99999999999"), "larger than"),
}


@pytest.mark.parametrize("path", VERDICTS)
def test_a_link_that_leads_to_no_file_is_refused_at_once_with_its_own_sentence(path):
    answer, says = VERDICTS[path]
    with Site() as site:
        site.pages[path] = answer
        page = fetched(sent(LINK), site, path)
    assert page.state == State.REJECTED
    assert page.reason.startswith("The file of this page could not be fetched.")
    assert says in page.reason
    assert not AnswerRaw.objects.exists()


def test_a_link_into_our_own_house_is_refused_and_visits_nobody():
    bait = Bait()
    page = sent("https://127.0.0.1/me.jpg")
    assert fetched(page).state == State.REJECTED
    assert not bait.visited


def test_a_host_that_is_away_is_asked_again_and_given_up_after_hours():
    page = sent("https://nobody-is-here.invalid/me.jpg")
    at = NOON
    assert fetched(page).state == State.SUBMITTED
    for _ in range(files.MOST_FAILURES):
        at += timedelta(hours=2)
        fetched(page, at=at)
    assert page.state == State.REJECTED


def test_a_link_of_somebody_from_another_platform_waits_for_the_file_and_for_the_platform():
    of = remote.batch("link", platform="proving", auto_accept=True, n=2)
    people = market.workers(of.account, 2)
    file_first, word_first = (
        handed_in(claims.claim_page(batch_id=of.pk, worker_id=who.pk, now=NOON, ext_id=f"A{who.pk}"), LINK)
        for who in people
    )

    def shown(page: Assignment) -> Assignment:
        what = told(of, ext_id=page.ext_id, who=page.worker.ext_id, submission=submission_of(page.pk))
        inbox.take(batch=of, pages=[what], now=NOON)
        page.refresh_from_db()
        return page

    assert shown(word_first).state == State.SUBMITTED
    with Site() as site:
        site.pages["/me.jpg"] = a_page(PHOTO)
        RemoteFile.objects.update(ref=site.url("/me.jpg"))
        assert fetched(file_first, site, "/me.jpg").state == State.SUBMITTED
    word_first.refresh_from_db()
    assert word_first.state == State.ACCEPTED
    assert shown(file_first).state == State.ACCEPTED
