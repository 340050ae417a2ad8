"""A project from the browser: the price first, every mistake in one sentence, made by a job."""

import re

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Account, Answer, Skill, SkillValue
from curation.engine import set_up
from curation.models import Job, Membership, PlanDraft, Pool, Project
from tests.factories import make_project, make_worker

pytestmark = pytest.mark.django_db
FORM = {
    "recipe": "gestures",
    "name": "Two signs",
    "quotas": "call\nlike",
    "wanted": "5",
    "platform": "inhouse",
    "budget": "20",
}


def test_the_form_shows_the_price_before_anything_is_made(people):
    page = people["charlie"].get(reverse("new-project")).content.decode()
    assert "Expected cost" in page
    assert not Project.objects.exists()


def test_the_cost_sheet_follows_what_is_typed(people):
    sheet = people["alice"].post(reverse("new-project-plan"), FORM).content.decode()
    assert "$1.02" in sheet  # 10 photos 0.30, 15 checked by 2.27 on 4 pages 0.36, boxes of 3.4 on 6 pages 0.36
    assert "does not carry" not in sheet
    dear = people["alice"].post(reverse("new-project-plan"), {**FORM, "budget": "1"}).content.decode()
    assert "The budget does not carry this plan." in dear


def test_the_sheet_of_a_simulated_crowd_says_that_nobody_is_paid(people):
    words = "Simulated money: nobody is paid"
    simulated = people["alice"].post(reverse("new-project-plan"), {**FORM, "platform": "rehearsal"}).content.decode()
    assert words in simulated
    assert "how fast they send photos or check them or draw boxes is a guess" in simulated
    assert words not in people["alice"].post(reverse("new-project-plan"), FORM).content.decode()


def test_what_was_asked_for_is_made_by_a_job_and_led_by_who_asked(people, alice):
    assert people["alice"].post(reverse("new-project"), FORM).status_code == 302
    assert "“Two signs” is being set up" in people["alice"].get(reverse("projects")).content.decode()
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    made = Project.objects.get(slug="two-signs")
    assert Membership.objects.get(project=made, user=alice).role == "lead"
    assert set(Pool.objects.filter(project=made).values_list("state", flat=True)) == {"draft"}


def test_a_project_that_is_still_being_set_up_says_so_instead_of_asking_for_pools_to_be_opened(people):
    words = "“Two signs” is being set up; then its pools open. Its pictures are counted here"
    people["alice"].post(reverse("new-project"), {**FORM, "start": "all"})
    job = Job.objects.get(kind="set_up")
    set_up.run_set_up(job, timezone.now())
    overview = reverse("project", args=[Project.objects.get(slug="two-signs").public_id])
    page = people["alice"].get(overview).content.decode()
    assert words in page
    assert "Nothing has arrived yet" not in page
    Job.objects.filter(pk=job.pk).update(state="done")
    page = people["alice"].get(overview).content.decode()
    assert words not in page
    assert "Nothing has arrived yet" in page


def test_a_name_that_is_asked_for_already_is_refused(people):
    people["alice"].post(reverse("new-project"), FORM)
    again = people["charlie"].post(reverse("new-project"), FORM)
    assert again.status_code == 400
    assert "There is a project “Two signs” already." in again.content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Give the project a name."),
        ({"quotas": " "}, "Choose at least one class."),
        ({"quotas": "call\nwave 20"}, "Line 2: &#x27;wave&#x27; is not a class"),
        ({"wanted": "0"}, "must be from 1 to 1,000,000, not 0"),
        ({"wanted": "many"}, "must be a whole number"),
        ({"budget": "-3"}, "The budget cannot be negative"),
        ({"budget": "1"}, "is needed but only $1.00"),
        ({"platform": "moon"}, "is not a known platform"),
        ({"recipe": "soup"}, "There is no recipe"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(people, wrong, sentence):
    answer = people["alice"].post(reverse("new-project"), {**FORM, **wrong})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Job.objects.filter(kind="set_up").exists()


def test_nobody_starts_a_project_without_signing_in(people):
    assert people["nobody"].get(reverse("new-project")).status_code == 302
    assert people["nobody"].post(reverse("new-project"), FORM).status_code == 302
    assert not Job.objects.exists()


def test_a_wish_without_classes_is_refused_by_the_service():
    with pytest.raises(CrowdError, match="at least one class"):
        set_up.Wanted("gestures", "X", [], 5, "inhouse", "20").checked()


def test_the_rest_of_a_pilot_is_not_collected_on_an_account_of_somebody_else(alice, charlie):
    project = make_project("One", lead=alice)
    make_project("Two", lead=charlie)
    Account.objects.create(slug="far", platform="toloka", label="Far", is_shared=False, created_by_id=charlie.pk)
    wanted = set_up.Wanted("gestures", project.slug, ["call"], 5, "far", "20")
    with pytest.raises(CrowdError, match="not an account you can use"):
        set_up.collect_rest(wanted=wanted, by=alice, now=timezone.now())
    assert not project.pools.exists()


def test_an_account_of_somebody_else_is_no_choice(people, alice, charlie):
    make_project("One", lead=alice)
    make_project("Two", lead=charlie)
    Account.objects.create(slug="far", platform="toloka", label="Far", is_shared=False, created_by_id=charlie.pk)
    assert 'value="far"' not in people["alice"].get(reverse("new-project")).content.decode()
    assert 'value="far"' in people["charlie"].get(reverse("new-project")).content.decode()
    refused = people["alice"].post(reverse("new-project"), {**FORM, "platform": "far"})
    assert "not an account you can use" in refused.content.decode()
    ticked = {**FORM, "boxes.shown": "yes", "boxes.platforms": "far"}
    assert "is not a crowd you can choose" in people["alice"].post(reverse("new-project"), ticked).content.decode()


def test_people_without_a_skill_are_counted_as_unrated(people, alice):
    make_project("One", lead=alice)
    make_worker()
    page = people["alice"].get(reverse("new-project")).content.decode()
    assert "1 person known" in page
    assert "of the 1 without a rating 30 % only click" in page
    assert '"bins": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "known": 1' in page


def test_each_step_of_a_price_says_how_many_people_stand_on_it(people, alice):
    make_project("One", lead=alice)
    workers = [make_worker() for _ in range(6)]
    skill = Skill.objects.create(account=workers[0].account, name="Recording static gestures")
    for worker, value in zip(workers, (0, 95, 96, 100, 100, None), strict=True):
        if value is not None:
            SkillValue.objects.create(worker=worker, skill=skill, value=value)
    page = " ".join(people["alice"].get(reverse("new-project")).content.decode().split())
    assert "Of 6 people we know: 2 earn 0.03, 3 earn 0.04." in page
    assert "1 of them has no such skill yet and earns the price a page." in page


def test_the_time_stands_beside_the_cost_and_follows_the_people(people, alice):
    make_project("One", lead=alice)
    few, many = (
        people["alice"].post(reverse("new-project-plan"), {**FORM, "people": n}).content.decode() for n in ("1", "400")
    )
    assert re.search(r'id="plan-time">.*<b>[\d–]+ (min|h|d|days)', few, re.DOTALL)
    assert few.split('id="plan-time"')[1] != many.split('id="plan-time"')[1]
    refused = people["alice"].post(reverse("new-project-plan"), {**FORM, "people": "a few"}).content.decode()
    assert "a whole number from 1 to 1,000,000" in refused


def test_more_accounts_need_no_more_queries(people, alice, django_assert_max_num_queries):
    make_project("One", lead=alice)
    for number in range(6):
        Account.objects.create(slug=f"far-{number}", platform="toloka", label=f"Far {number}")
    with django_assert_max_num_queries(22):
        people["alice"].get(reverse("new-project"))
    with django_assert_max_num_queries(22):
        people["alice"].post(reverse("new-project-plan"), FORM)


def test_what_is_typed_is_kept_and_only_its_owner_finds_it(people, alice):
    typed = {**FORM, "quotas": "call 7\nwavve", "boxes.shown": "yes", "boxes.price_usd": "much"}
    address = people["alice"].post(reverse("new-project-plan"), typed)["HX-Replace-Url"]
    page = people["alice"].get(address).content.decode()
    assert "call 7\nwavve" in page
    assert 'value="much"' in page
    assert "Plans you have begun" not in page
    assert f'href="{address}"' in people["alice"].get(reverse("new-project")).content.decode()
    assert people["charlie"].get(address).status_code == 404
    again = {**typed, "draft": str(PlanDraft.objects.get().public_id), "name": "Renamed"}
    assert people["alice"].post(reverse("new-project-plan"), again)["HX-Replace-Url"] == address
    assert PlanDraft.objects.get().name == "Renamed"
    people["charlie"].post(reverse("new-project-plan"), again)
    assert PlanDraft.objects.get(owner=alice).fields["quotas"] == ["call 7\nwavve"]


def test_a_plan_goes_out_as_a_file_and_comes_back_the_same(people, charlie):
    typed = {**FORM, "quotas": "call 7\nlike", "validate.shown": "yes", "validate.overlap": "5", "team": "Vision"}
    file = people["alice"].post(reverse("plan-file"), typed)
    assert file["Content-Disposition"] == 'attachment; filename="two-signs.yaml"'
    loaded = people["charlie"].post(reverse("plan-load"), {"file": SimpleUploadedFile("p.yaml", file.content)})
    draft = PlanDraft.objects.get(owner=charlie)
    assert loaded["Location"] == reverse("plan-draft", args=[draft.public_id])
    again = people["charlie"].post(reverse("plan-file"), dict(draft.fields))
    assert again.content == file.content
    assert yaml.safe_load(file.content)["settings"] == {"validate": {"overlap": 5}}


def test_settings_without_a_field_survive_a_loaded_file(people, alice):
    plan = "recipe: gestures\nname: Mine\nclasses: [call]\nsettings: {checks: {radius: 30}, boxes: {flags: []}}"
    people["alice"].post(reverse("plan-load"), {"file": SimpleUploadedFile("p.yaml", plan.encode())})
    fields = PlanDraft.objects.get(owner=alice).fields
    people["alice"].post(reverse("new-project"), dict(fields))
    assert Job.objects.get(kind="set_up").payload["settings"] == {"checks": {"radius": 30}, "boxes": {"flags": []}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"recipe: soup", "There is no recipe"),
        (b"\xff\xfe", "holds no plan"),
        (b"recipe: gestures\nsettings: {boxes: {overlap: many}}", "boxes: Input should be a valid integer"),
    ],
)
def test_a_file_that_is_no_plan_gets_one_sentence(people, text, sentence):
    people["alice"].post(reverse("plan-load"), {"file": SimpleUploadedFile("p.yaml", text)})
    assert sentence in people["alice"].get(reverse("new-project")).content.decode()
    assert not PlanDraft.objects.exists()


def test_another_preset_keeps_the_name_and_brings_its_own_classes(people, alice):
    people["alice"].post(reverse("plan-preset"), {**FORM, "recipe": "camera-footage"})
    draft = PlanDraft.objects.get(owner=alice)
    assert (draft.name, draft.fields["quotas"], draft.fields["budget"]) == ("Two signs", ["scene"], ["20"])
    page = people["alice"].get(reverse("plan-draft", args=[draft.public_id])).content.decode()
    assert "No crowd is asked: this project begins with what you bring in." in page
    people["alice"].post(reverse("plan-preset"), {**FORM, "recipe": "cars-search"})
    page = people["alice"].get(reverse("plan-draft", args=[PlanDraft.objects.latest("pk").public_id])).content.decode()
    assert "Pictures come from search engines: after it is set up" in page
    assert "Set up the project" in page
    for asked_of_a_crowd in ('href="#crowd-h"', "Start a pilot", 'value="all"', "People at work at once"):
        assert asked_of_a_crowd not in page


def test_a_mistake_stands_beside_its_field_and_in_the_list_on_top(people):
    wrong = {**FORM, "quotas": "call\npeace x,1\n", "wanted": "0", "boxes.shown": "yes", "boxes.page_size": "0"}
    page = people["alice"].post(reverse("new-project"), wrong).content.decode()
    assert "3 things are to mend" in page
    for place in ("quotas", "wanted", "boxes.page_size"):
        assert f'<a href="#{place}">' in page
        assert f'id="{place}"' in page


def test_the_page_can_be_tried_for_an_hour_by_whoever_has_the_link(people, alice, monkeypatch):
    shown = people["alice"].post(reverse("plan-try", args=["validate"]), FORM)
    code_page = people["alice"].get(shown["Location"]).content.decode()
    link = re.search(r"http://testserver(/w/try/[^<\"]+/)", code_page)[1]
    code = people["alice"].get(re.search(r'src="(/try/[^"]+)"', code_page)[1])
    assert code["Content-Type"] == "image/svg+xml"
    assert people["charlie"].get(shown["Location"]).status_code == 404
    page = people["nobody"].get(link)
    assert "Is this the sign?" in page.content.decode()
    assert people["nobody"].get(f"{link}media/0/image/")["Content-Type"] == "image/jpeg"
    assert people["nobody"].post(f"{link}answers/0/", {"answer": "correct"}).status_code == 302
    assert people["nobody"].post(f"{link}answers/0/", {"answer": "perhaps"}).status_code == 422
    assert people["nobody"].post(f"{link}uploads/").status_code == 409
    assert not Answer.objects.exists()
    monkeypatch.setattr("curation.services.trials.SECONDS", -1)
    assert people["nobody"].get(link).status_code == 404


def test_a_box_without_a_label_is_no_fault_yet_on_a_page_to_try_as_on_a_real_one(people):
    shown = people["alice"].post(reverse("plan-try", args=["boxes"]), FORM)
    link = re.search(r"http://testserver(/w/try/[^<\"]+/)", people["alice"].get(shown["Location"]).content.decode())[1]
    begun = {"payload": {"boxes": [{"label": None, "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}], "flags": []}}
    answer = people["nobody"].post(f"{link}answers/0/", begun, content_type="application/json")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)


def test_after_a_pilot_the_plan_waits_to_be_collected_whole(people, alice):
    pilot = {**FORM, "start": "pilot", "pilot": "2"}
    assert people["alice"].post(reverse("new-project"), pilot).status_code == 302
    draft = PlanDraft.objects.get()
    assert "a pilot is launched" in people["alice"].get(reverse("new-project")).content.decode()
    rest = reverse("plan-rest", args=[draft.public_id])
    people["alice"].post(rest)
    assert "is not there yet" in people["alice"].get(reverse("plan-draft", args=[draft.public_id])).content.decode()
    set_up.run_set_up(Job.objects.get(kind="set_up"), timezone.now())
    collecting = Pool.objects.filter(project__slug="two-signs", stage__kind="collect")
    assert set(collecting.values_list("wanted", flat=True)) == {2}
    assert people["charlie"].post(rest).status_code == 404
    people["alice"].post(rest)
    assert set(collecting.values_list("wanted", flat=True)) == {5}
    assert "a pilot is launched" not in people["alice"].get(reverse("new-project")).content.decode()
