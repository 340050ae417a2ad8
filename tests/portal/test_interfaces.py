"""Side by side, several choices, and answers in words: from the task to the answer that is stored."""

import pytest
from django.urls import reverse

from crowd.models import AnswerRaw, Assignment, Batch
from crowd.services.answers import several
from tests import scenes
from tests.portal.test_pages import JSON, answer_url, take


@pytest.fixture
def photo_key(db) -> str:
    return scenes.stored(scenes.jpeg(size=(320, 180)))


def work(world, interface: str, photo_key: str, n: int = 1, **spec: object) -> Batch:
    batch = scenes.batch(world, interface, page_size=n)
    batch.spec |= spec
    batch.save(update_fields=["spec"])
    for number in range(n):
        scenes.task(batch, f"task-{number}", image=photo_key)
    return batch


def html_of(client, page: Assignment) -> str:
    return client.get(reverse("w-page", args=[page.pk])).content.decode()


# --- side by side -----------------------------------------------------------------------------------------------------
def test_a_pair_is_chosen_by_a_plain_form_and_the_answer_names_the_picture(wandas, world, photo_key):
    page = take(wandas, work(world, "pair", photo_key))
    html = html_of(wandas, page)
    assert html.count('class="b w-side"') == 2
    wandas.post(answer_url(page.answers.get()), {"answer": "example"})
    wandas.post(reverse("w-submit", args=[page.pk]))
    assert AnswerRaw.objects.get().payload == {"answer": "example"}


def test_which_picture_of_a_pair_lies_first_is_chance_and_stays(wandas, world, photo_key):
    page = take(wandas, work(world, "pair", photo_key, n=12))
    html = html_of(wandas, page)
    firsts = [part.split('value="')[1].split('"')[0] for part in html.split('class="w-sides')[1:]]
    assert set(firsts) == {"photo", "example"}
    assert [
        part.split('value="')[1].split('"')[0] for part in html_of(wandas, page).split('class="w-sides')[1:]
    ] == firsts


def test_both_pictures_of_a_pair_are_for_its_worker_alone(wandas, willas, world, photo_key):
    batch = work(world, "pair", photo_key)
    task = batch.tasks.get()
    task.payload |= {"other_key": photo_key}
    task.save(update_fields=["payload"])
    answer = take(wandas, batch).answers.get()
    for kind in ("image", "other"):
        url = reverse("w-media", args=[answer.pk, kind])
        assert url in html_of(wandas, answer.assignment)
        assert (wandas.get(url).status_code, willas.get(url).status_code) == (200, 404)


# --- several choices --------------------------------------------------------------------------------------------------
SIGNS = [{"value": name, "label": name} for name in ("palm", "fist", "ok")]


def test_several_options_are_one_answer_in_the_order_of_the_options(wandas, world, photo_key):
    page = take(wandas, work(world, "choice", photo_key, multiple=True, options=SIGNS))
    wandas.post(answer_url(page.answers.get()), {"answer": ["ok", "palm"]})
    assert html_of(wandas, page).count(" checked>") == 2
    wandas.post(reverse("w-submit", args=[page.pk]))
    assert AnswerRaw.objects.get().payload == {"answer": "palm+ok"}
    assert several(["ok", "palm"], {"options": SIGNS}) == several(["palm", "ok"], {"options": SIGNS})


@pytest.mark.parametrize("answer", ["ok+palm", "palm+palm", "palm+thumb", "", "palm+", ["palm"]])
def test_a_set_that_is_written_otherwise_is_refused(wandas, world, photo_key, answer):
    page = take(wandas, work(world, "choice", photo_key, multiple=True, options=SIGNS))
    reply = wandas.post(answer_url(page.answers.get()), {"payload": {"answer": answer}}, content_type=JSON)
    assert reply.status_code == 422
    assert "is not one of the answers palm, fist, ok." in reply.json()["title"]


def test_options_show_pictures_and_their_addresses_end_with_the_list(wandas, world, photo_key):
    options = [{**SIGNS[0], "picture": photo_key}, SIGNS[1]]
    page = take(wandas, work(world, "choice", photo_key, options=options))
    answer = page.answers.get()
    url = reverse("w-media", args=[answer.pk, "option-1"])
    assert url in html_of(wandas, page)
    assert wandas.get(url).status_code == 200
    for beyond in ("option-2", "option-3", "option-0"):
        assert wandas.get(reverse("w-media", args=[answer.pk, beyond])).status_code == 404


# --- words ------------------------------------------------------------------------------------------------------------
def test_a_text_is_kept_as_it_is(wandas, world, photo_key):
    page = take(wandas, work(world, "text", photo_key))
    said = "  Two hands, one shows “V”.\nBehind it a plant. "
    wandas.post(answer_url(page.answers.get()), {"text": said})
    wandas.post(reverse("w-submit", args=[page.pk]))
    assert AnswerRaw.objects.get().payload["text"] == said


@pytest.mark.parametrize(
    ("text", "sentence"), [(" ", "Please write an answer first."), ("x" * 11, "11 characters; 10")]
)
def test_an_empty_or_endless_text_is_refused(wandas, world, photo_key, text, sentence):
    page = take(wandas, work(world, "text", photo_key, most_characters=10))
    reply = wandas.post(answer_url(page.answers.get()), {"payload": {"text": text}}, content_type=JSON)
    assert reply.status_code == 422
    assert sentence in reply.json()["title"]
