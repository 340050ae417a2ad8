"""Our task page for people of other platforms: what they may do, what they are told, and who may show it."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crowd.links import submission_of
from crowd.models import AnswerRaw, Assignment, Batch, Restriction, SkillValue, Task, Worker
from crowd.services import handing_in
from curation.models import Project
from tests import scenes
from tests.portal import hosting
from tests.portal.hosting import come, get, hand_in, hit, page_of, preview

CORRECT = {"answer": "correct"}
FRAMES = "frame-ancestors https://*.mturk.com https://*.mturkcontent.com"


@pytest.fixture
def photo_key(db) -> str:
    return scenes.stored(scenes.jpeg(size=(480, 270)))


@pytest.fixture
def turk(db):
    return hosting.account("mturk")


@pytest.fixture
def checking(world, turk, photo_key) -> Batch:
    return hosting.batch(world, "choice", turk, n=2, image=photo_key, page_size=2, auto_accept=False)


# --- looking ----------------------------------------------------------------------------------------------------------
def test_a_preview_shows_the_work_and_its_price_and_takes_nothing(client, checking):
    html = client.get(preview(checking)).content.decode()
    assert "Is this the sign?" in html
    assert "$0.02" in html
    assert "There is work waiting now" in html
    assert not Assignment.objects.exists()
    assert not Worker.objects.exists()


def test_a_preview_shows_the_example_and_no_real_picture(client, checking, photo_key):
    told = get(client, preview(checking))
    assert told["state"] == "preview"
    assert client.get(told["example"]).status_code == 200
    assert photo_key not in str({**told, "example": ""})


def test_a_preview_says_when_there_is_nothing_to_do(client, checking):
    Batch.objects.filter(pk=checking.pk).update(state="paused")
    assert "Please do not accept it" in client.get(preview(checking)).content.decode()


def test_a_price_by_skill_is_shown_from_lowest_to_highest(client, checking):
    Batch.objects.filter(pk=checking.pk).update(price_table=[[0, 69, 10_000], [70, 100, 40_000]])
    assert get(client, preview(checking))["price"] == "$0.01 to $0.04"


# --- consent ----------------------------------------------------------------------------------------------------------
def test_consent_is_asked_once_and_kept(client, world, checking):
    Project.objects.filter(pk=world.pk).update(consent_text="We make a data set of hands.")
    html = client.get(hit(checking)).content.decode()
    assert "We make a data set of hands." in html
    assert not Assignment.objects.exists()
    reply = client.post(hit(checking), {"agree": "yes", "adult": "yes"})
    assert reply.status_code == 302
    worker = Worker.objects.get(ext_id="AWANDA")
    assert worker.is_adult
    assert worker.consent_version == hashlib.sha256(b"We make a data set of hands.").hexdigest()
    assert client.get(hit(checking)).status_code == 302


@pytest.mark.parametrize("given", [{"agree": "yes"}, {"adult": "yes"}, {}])
def test_without_consent_or_under_age_there_is_no_page(client, checking, given):
    reply = client.post(hit(checking), given)
    assert reply.status_code == 422
    assert "Please confirm that you are 18 or older" in reply.content.decode()
    assert not Assignment.objects.exists()


def test_consent_that_is_no_json_is_refused_in_a_sentence(client, checking):
    reply = client.post(hit(checking), "[", content_type="application/json", **hosting.JSON)
    assert (reply.status_code, reply.json()["error"]) == (422, "The request is not JSON.")


def test_another_text_is_asked_again(client, world, checking):
    come(client, hit(checking))
    Project.objects.filter(pk=world.pk).update(consent_text="Something else.")
    assert get(client, hit(checking))["state"] == "consent"


# --- working ----------------------------------------------------------------------------------------------------------
def test_a_page_carries_the_platforms_id_and_holds_price_and_fee(client, checking):
    page = come(client, hit(checking))
    row = page_of()
    assert (page["state"], page["page"], len(page["tasks"])) == ("page", row.pk, 2)
    assert (row.worker.ext_id, row.price_micro, row.fee_micro, row.platform_state) == (
        "AWANDA",
        20_000,
        10_000,
        "active",
    )


def test_the_screens_are_those_of_our_own_people(client, checking):
    come(client, hit(checking))
    html = client.get(hit(checking), follow=True).content.decode()
    assert '<button type="submit" class="b good" name="answer" value="correct"' in html
    assert "Your work" not in re.sub(r"<title>.*?</title>", "", html)


def test_a_page_is_answered_by_plain_forms_and_leads_back_to_the_platform(client, checking):
    come(client, hit(checking))
    reply = client.get(hit(checking))
    for answer in page_of().answers.order_by("seq"):
        reply = client.post(f"{reply.url.partition('?')[0]}answers/{answer.pk}/", {"answer": "correct"})
    html = client.post(f"{reply.url.partition('?')[0]}submit/", follow=True).content.decode()
    assert 'action="https://www.mturk.com/mturk/externalSubmit"' in html
    assert 'name="assignmentId" value="ASSIGN1"' in html
    assert f'name="winnow_submission" value="{submission_of(page_of().pk)}"' in html


def test_a_machine_answers_in_json_and_is_told_what_to_hand_in(client, checking):
    told = hand_in(client, come(client, hit(checking)), CORRECT)
    assert told == {
        "state": "done",
        "url": "https://www.mturk.com/mturk/externalSubmit",
        "fields": {"assignmentId": "ASSIGN1", "winnow_submission": submission_of(page_of().pk)},
    }
    assert sorted(raw.payload["answer"] for raw in AnswerRaw.objects.all()) == ["correct", "correct"]


def test_a_page_handed_in_is_not_taken_in_before_the_platform_shows_it(client, checking):
    hand_in(client, come(client, hit(checking)), CORRECT)
    assert (page_of().state, page_of().awaits_files) == ("submitted", True)


def test_a_page_opened_again_is_the_same_page_and_when_handed_in_the_way_out(client, checking):
    page = come(client, hit(checking))
    assert get(client, hit(checking))["page"] == page["page"]
    done = hand_in(client, page, CORRECT)
    assert get(client, hit(checking)) == done
    Assignment.objects.update(platform_state="submitted")
    assert "This page is in already" in get(client, hit(checking))["sentence"]


def test_handing_in_with_an_answer_missing_is_refused_in_one_sentence(client, checking):
    page = come(client, hit(checking))
    reply = client.post(page["submit"], {"answers": {}}, content_type="application/json", **hosting.JSON)
    assert (reply.status_code, reply.json()["title"]) == (
        422,
        "An answer is missing: every task of the page needs one.",
    )
    html = client.post(page["submit"]).content.decode()
    assert "An answer is missing" in html


def test_a_page_given_back_is_not_paid_and_the_platform_is_to_be_told(client, checking):
    page = come(client, hit(checking))
    assert "give it back on Mechanical Turk, too" in client.post(page["skip"]).content.decode()
    assert page_of().state == "skipped"
    assert "give it back on Mechanical Turk, too" in get(client, hit(checking))["sentence"]


def test_a_page_whose_time_is_over_says_so(client, checking):
    come(client, hit(checking))
    Assignment.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert "The time for that page is over" in get(client, hit(checking))["sentence"]


def test_when_all_is_taken_the_second_worker_is_asked_to_give_it_back(client, checking):
    Task.objects.update(overlap=1)
    come(client, hit(checking))
    told = come(client, hit(checking, "AWILLA", "ASSIGN2"))
    assert told["state"] == "closed"
    assert told["sentence"].endswith("Please give this one back on Mechanical Turk: nothing is paid for it.")


def test_a_budget_that_is_used_up_does_not_tell_its_numbers(client, checking):
    Batch.objects.filter(pk=checking.pk).update(price_micro=900_000_000)
    told = come(client, hit(checking))
    assert "The money for this work is used up for now" in told["sentence"]
    assert "500" not in told["sentence"]


def test_a_banned_worker_gets_no_page(client, checking, turk):
    come(client, hit(checking))
    Assignment.objects.all().delete()
    worker = Worker.objects.get(ext_id="AWANDA")
    Restriction.objects.create(worker=worker, scope="account", scope_id=turk.pk, reason="copied")
    assert "You cannot work in this pool." in get(client, hit(checking))["sentence"]


def test_a_photo_is_sent_in_pieces_without_a_cookie(client, world, turk, photo_key):
    batch = hosting.batch(world, "photo", turk, n=1, image=photo_key, auto_accept=False)
    page = come(client, hit(batch))
    data = scenes.jpeg()
    about = {"answer": page["tasks"][0]["id"], "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    upload = client.post(page["uploads"], about, content_type="application/json").json()
    half = len(data) // 2
    for start, end in ((0, half), (half, len(data))):
        url = f"{page['uploads']}{upload['id']}/?offset={start}"
        assert client.put(url, data[start:end], content_type="application/octet-stream").json()["received"] == end
    client.post(f"{page['uploads']}{upload['id']}/done/", {}, content_type="application/json")
    sent = client.post(page["submit"], {"ms": 5}, content_type="application/json", **hosting.JSON)
    assert get(client, sent.json()["next"])["state"] == "done"
    assert AnswerRaw.objects.get().payload["file"]["bytes"] == len(data)


# --- two HITs of one worker -------------------------------------------------------------------------------------------
def test_a_second_hit_does_not_show_the_page_of_the_first(client, checking):
    Batch.objects.filter(pk=checking.pk).update(page_size=1)
    come(client, hit(checking))
    reply = client.get(hit(checking, assignment="ASSIGN2"))
    assert reply.status_code == 409
    assert "One page at a time" in reply.content.decode()
    assert Assignment.objects.count() == 1


def test_a_page_of_a_hit_that_was_given_back_goes_on_in_the_next(client, checking):
    page = come(client, hit(checking))
    client.post(hit(checking, assignment="ASSIGN2"), {"take_over": "yes"})
    assert page_of("ASSIGN2").pk == page["page"]
    assert get(client, page["submit"].removesuffix("submit/"))["state"] == "closed"


def test_the_page_of_somebody_else_is_not_there(client, checking):
    come(client, hit(checking))
    told = come(client, hit(checking, "AWILLA"))
    assert "begun by somebody else" in told["sentence"]


# --- training and exam ------------------------------------------------------------------------------------------------
@pytest.fixture
def ladder(world, turk, photo_key) -> Batch:
    """Training, then exam, then paid work."""
    trained, examined = hosting.skill(turk, "Checking: training"), hosting.skill(turk, "Checking: exam")
    unpaid = {"price_micro": 0, "page_size": 1}
    training = hosting.batch(world, "choice", turk, kind=Batch.Kind.TRAINING, grants_skill=trained, **unpaid)
    scenes.task(training, "a", image=photo_key, known="correct", hint="Two fingers are up.")
    exam = hosting.batch(
        world,
        "choice",
        turk,
        kind=Batch.Kind.EXAM,
        needs_skill=trained,
        needs_value=50,
        grants_skill=examined,
        **unpaid,
    )
    scenes.task(exam, "b", image=photo_key, known="correct")
    return hosting.batch(
        world, "choice", turk, n=1, image=photo_key, needs_skill=examined, needs_value=70, auto_accept=False
    )


def test_a_newcomer_is_led_through_training_and_exam_to_the_paid_page_in_one_visit(client, ladder):
    page = come(client, hit(ladder))
    kinds = []
    while page["state"] == "page":
        kinds.append((page["kind"], page["price_micro"]))
        if page["kind"] == "training":
            task = page["tasks"][0]["id"]
            payload = {"payload": CORRECT}
            client.post(f"{page['answers']}{task}/", payload, content_type="application/json", **hosting.JSON)
        page = hand_in(client, page, CORRECT)
    assert kinds == [("training", 0), ("exam", 0), ("main", 20_000)]
    assert page["fields"]["assignmentId"] == "ASSIGN1"
    assert {row.batch.kind: (row.ext_id == "ASSIGN1", row.platform_state) for row in Assignment.objects.all()} == {
        "training": (False, ""),
        "exam": (False, ""),
        "main": (True, "active"),
    }


def test_who_fails_the_exam_is_told_and_asked_to_give_it_back(client, ladder):
    page = come(client, hit(ladder))
    SkillValue.objects.create(worker=Worker.objects.get(), skill=ladder.needs_skill, value=40)
    told = get(client, hit(ladder))
    assert told["sentence"].startswith("Needs 70 in “Checking: exam”; yours is 40.")
    assert page["kind"] == "training"


def test_nobody_is_trained_when_no_paid_work_waits_behind(client, ladder):
    Task.objects.filter(batch=ladder).update(cancelled=True)
    assert come(client, hit(ladder))["sentence"].startswith("Nothing to do here right now.")
    assert not Assignment.objects.exists()


def test_who_has_passed_the_exam_on_the_platform_goes_straight_to_the_paid_page(client, ladder, monkeypatch):
    asked = []

    def score(*told: object) -> int:
        asked.append(told[2:])
        return 90

    monkeypatch.setattr("crowd.platforms.mturk.door.MTurkDoor.score", score)
    assert come(client, hit(ladder))["kind"] == "main"
    get(client, hit(ladder))
    assert asked == [("AWANDA", "Checking: exam")]
    assert SkillValue.objects.get(skill=ladder.needs_skill).value == 90


def test_a_closed_exam_is_said_before_anything_begins(client, ladder):
    Batch.objects.exclude(pk=ladder.pk).update(state="paused")
    assert "that cannot be got right now" in come(client, hit(ladder))["sentence"]


# --- who may come, who may frame --------------------------------------------------------------------------------------
def test_an_address_that_was_not_signed_here_is_not_there(client, checking):
    assert client.get(hit(checking).replace("checking", "another").replace("/?", "x/?")).status_code == 404
    assert client.get("/x/mturk/guessed:token/").status_code == 404
    assert client.get(hit(checking).replace("/mturk/", "/prolific/")).status_code == 404
    assert client.get(hit(checking).replace("/mturk/", "/inhouse/")).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"workerId": "wanda"},
        {"workerId": ""},
        {"assignmentId": "a1 OR 1"},
        {"turkSubmitTo": "https://evil.example"},
        {"turkSubmitTo": "https://www.mturk.com.evil.example"},
        {"turkSubmitTo": "https://www.mturk.com@evil.example"},
        {"turkSubmitTo": "http://www.mturk.com"},
        {"turkSubmitTo": "javascript:alert(1)"},
        {"turkSubmitTo": "https://www.mturk.com/?next=https://evil.example"},
        {"turkSubmitTo": ""},
    ],
)
def test_ids_and_ways_out_that_are_not_mturks_are_refused(client, checking, changes):
    reply = client.get(hit(checking, **changes))
    assert reply.status_code == 400
    assert "Open the HIT again" in reply.content.decode()
    assert not Worker.objects.exists()


def test_only_the_platform_may_frame_the_page_and_take_its_form(client, checking):
    come(client, hit(checking))
    for url in (preview(checking), hit(checking, "AWILLA", "ASSIGN2"), client.get(hit(checking)).url):
        reply = client.get(url)
        policy = reply["Content-Security-Policy"]
        assert policy.endswith(FRAMES)
        assert "form-action 'self' https://*.mturk.com https://*.mturkcontent.com;" in policy
        assert "X-Frame-Options" not in reply


def test_an_endpoint_of_its_own_frames_its_own_pages(client, world, photo_key):
    emulated = hosting.account("mturk", base_url="http://127.0.0.1:8123/house-1")
    batch = hosting.batch(world, "choice", emulated, n=1, image=photo_key)
    reply = client.get(hit(batch, turkSubmitTo="http://127.0.0.1:8123/house-1"))
    assert reply["Content-Security-Policy"].endswith("frame-ancestors http://127.0.0.1:8123")
    assert client.get(hit(batch)).status_code == 400


def test_an_account_may_name_the_hosts(client, world, photo_key):
    named = hosting.account("mturk", settings={"hosts": "https://work.example, javascript:alert(1) *"})
    batch = hosting.batch(world, "choice", named, n=1, image=photo_key)
    policy = client.get(hit(batch, turkSubmitTo="https://work.example"))["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://work.example")


def test_every_other_page_still_refuses_to_be_framed(client, checking):
    for url in ("/w/", "/x/mturk/guessed:token/", "/x/visit/guessed/"):
        reply = client.get(url)
        assert reply["X-Frame-Options"] == "DENY"
        assert reply["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_no_answer_sets_a_cookie(client, checking):
    replies = [client.get(preview(checking)), client.get(hit(checking))]
    replies.append(client.post(hit(checking), {"agree": "yes", "adult": "yes"}))
    page = replies[-1].url
    replies += [
        client.get(page),
        client.post(f"{page}submit/"),
        client.get(f"{page}done/"),
        client.post(f"{page}skip/"),
    ]
    assert [reply.cookies.output() for reply in replies] == [""] * len(replies)


def test_no_token_against_forged_forms_is_asked_for_here_alone(checking):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(hit(checking), {"agree": "yes", "adult": "yes"}).status_code == 302
    assert strict.post("/w/batches/1/take/").status_code == 403


def test_a_visit_is_for_its_own_page_alone_and_ends(client, checking, monkeypatch):
    page = come(client, hit(checking))["submit"].removesuffix("submit/")
    assert client.get(f"{page[:-4]}abc/").status_code == 410
    monkeypatch.setattr("curation.portal.visits.LIFE", -1)
    assert client.get(page).status_code == 410


def test_pictures_are_for_who_has_the_page_in_hand(client, checking):
    page = come(client, hit(checking))
    assert client.get(page["tasks"][0]["image"])["Content-Type"] == "image/jpeg"
    hand_in(client, page, CORRECT)
    assert client.get(page["tasks"][0]["image"]).status_code == 404


def test_a_control_task_looks_like_a_real_one(client, world, turk, photo_key):
    batch = hosting.batch(world, "choice", turk, n=2, image=photo_key, page_size=3, control_per_page=1)
    scenes.task(batch, "control", image=photo_key, known="correct")
    page = come(client, hit(batch))
    shapes = {tuple(sorted((name, str(value)) for name, value in _plain(task).items())) for task in page["tasks"]}
    assert (len(page["tasks"]), len(shapes)) == (3, 1)
    assert "known" not in str(page)


def _plain(task: dict) -> dict:
    return {name: re.sub(r"/\d+/", "/N/", str(value)) for name, value in task.items() if name != "id"}


def test_the_page_of_our_own_people_is_no_way_around(wandas, checking):
    assert wandas.post(f"/w/batches/{checking.pk}/take/").status_code == 404


# --- Prolific ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def prolific(world, photo_key, monkeypatch) -> Batch:
    """A study whose submissions are asked about; what the platform says, a test decides."""
    monkeypatch.setattr("crowd.platforms.prolific.door.ProlificDoor.doubts", lambda *_: "")
    return hosting.batch(world, "choice", hosting.account("prolific"), n=1, image=photo_key, auto_accept=False)


def test_somebody_from_prolific_works_here_and_goes_back_with_the_code(client, prolific):
    told = hand_in(client, come(client, hosting.study(prolific)), CORRECT)
    assert told["fields"] == {}
    assert told["url"].startswith("https://app.prolific.com/submissions/complete?cc=")
    assert page_of("sid1").worker.ext_id == "pid1"


def test_a_page_for_prolific_is_framed_by_nobody(client, prolific):
    reply = client.get(hosting.study(prolific))
    assert reply["X-Frame-Options"] == "DENY"
    assert reply["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_a_submission_that_prolific_does_not_know_is_turned_away(client, prolific, monkeypatch):
    monkeypatch.setattr("crowd.platforms.prolific.door.ProlificDoor.doubts", lambda *_: "Not yours.")
    assert get(client, hosting.study(prolific)) == {"state": "closed", "sentence": "Not yours."}


def test_a_worker_who_leaves_and_comes_back_is_the_same_person(client, checking):
    come(client, hit(checking))
    handing_in.skip_page(assignment_id=page_of().pk, worker_id=page_of().worker_id, now=timezone.now())
    come(client, hit(checking, assignment="ASSIGN2"))
    assert Worker.objects.filter(ext_id="AWANDA").count() == 1
