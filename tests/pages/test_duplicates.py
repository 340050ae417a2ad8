"""Near-duplicates, blur and light, held-out sets, levels and rings: what the pages show, do and refuse."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from crowd.honesty import Policy
from crowd.models import Evidence, Restriction, Worker
from curation.dashboard.board import CARDS
from curation.models import (
    Asset,
    BulkDrop,
    DatasetVersion,
    Event,
    HeldOutSet,
    Job,
    LookalikeWord,
    Pool,
    Project,
    Stage,
    User,
)
from curation.services import honesty
from curation.services.lookalikes import groups, joining
from tests.engine.test_lookalikes import do_jobs, in_a_row
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db


def address(name: str, project: Project, *more: object) -> str:
    return reverse(name, args=[project.public_id, *more])


def said(answer) -> str:
    return " ".join(str(message) for message in answer.wsgi_request._messages)


@pytest.fixture
def compared(project: Project, people: dict[str, Client]) -> list[Asset]:
    pictures = in_a_row(project, 20)
    people["alice"].post(address("duplicates-search", project))
    do_jobs(project, "find_lookalikes")
    return pictures


def form(**changed: str) -> dict[str, str]:
    """The levels as their page sends them when nothing is changed."""
    fields = {"share": "10", "least": "5", "same_photo": "reject", "edited_templates": "hold", "same_scene": "pass"}
    fields |= {"most_per_scene": "0"}
    for one in Policy().levels:
        fields |= {f"name-{one.level}": one.name, f"weight-{one.level}": str(one.weight)}
        fields |= {
            f"consequence-{one.level}": "ban",
            f"scope-{one.level}": "project",
            f"days-{one.level}": str(one.days),
        }
    return {**fields, **changed}


@pytest.mark.parametrize("page", ["duplicates", "cuts", "held-out", "levels", "rings"])
def test_members_read_the_page_and_strangers_find_nothing(page, project, people):
    in_a_row(project, 3)
    assert people["vera"].get(address(page, project)).status_code == 200
    assert people["charlie"].get(address(page, project)).status_code == 404


CHANGES = ("duplicates-search", "duplicates-apply", "cuts-apply", "held-out-add", "levels-save")


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
def test_only_leads_change_what_holds_for_all(name, person, project, people):
    assert people[person].post(address(name, project), {}).status_code == 404


def test_the_page_says_what_would_be_kept_at_each_distance_and_shows_the_groups(project, people, compared):
    page = people["vera"].get(address("duplicates", project), {"d": "8"}).content.decode()
    assert "Would keep" in page
    assert '{"d": 8, "kept": 3}' in page
    assert "3 groups at 8 bits" in page
    assert str(compared[0].public_id) in page


def test_what_a_large_group_leaves_out_is_one_press_away(project, people, compared):
    page = people["rita"].get(address("duplicates", project), {"d": "48"}).content.decode()
    (leader,) = set(re.findall(r'href="\?d=48&amp;whole=([0-9a-f-]+)#groups">7 more', page))
    shown = people["rita"].get(address("duplicates", project), {"d": "48", "whole": leader}).content.decode()
    assert "One group at 48 bits" in shown
    assert all(reverse("media", args=[one.public_id, "thumb"]) in shown for one in compared)
    say = {"do": "keep", "picture": str(compared[19].public_id), "d": "48", "whole": leader}
    kept = people["rita"].post(address("duplicates-say", project), say)
    assert kept.url.endswith(f"?d=48&whole={leader}")
    for nothing in ("", "x", str(project.public_id), str(compared[19].public_id)):
        answer = people["rita"].get(address("duplicates", project), {"d": "48", "whole": nothing})
        assert re.findall(r"(?:\d+|One) groups? at 48 bits", answer.content.decode()) == ["1 group at 48 bits"], nothing
    assert "is in no group at 48 bits" in answer.content.decode()
    assert (
        reverse("media", args=[compared[19].public_id, "thumb"]) not in answer.content.decode().split('id="words"')[0]
    )


def test_a_whole_group_comes_in_portions_and_a_button_speaks_of_its_own_picture(project, people, compared, monkeypatch):
    monkeypatch.setattr(groups, "SHOWN_WHOLE", 8)
    leader, shown = str(compared[0].public_id), set()
    further: str | None = f"?d=48&whole={leader}"
    for left in ("11 more, further away", "3 more, further away", ""):
        text = people["rita"].get(address("duplicates", project) + (further or "")).content.decode()
        assert left in text
        assert text.count('id="say-') == 1
        portion = set(re.findall(r'value="keep:([0-9a-f-]+)"', text))
        assert not portion & shown
        shown |= portion
        found = re.search(r'href="([^"]+after=\d+)#groups', text)
        further = found.group(1).replace("&amp;", "&") if found else None
    assert len(shown) == 19
    assert further is None
    say = {"do": f"keep:{compared[3].public_id}", "picture": str(compared[5].public_id), "d": "48", "whole": leader}
    kept = people["rita"].post(address("duplicates-say", project), {**say, "after": "8"})
    assert kept.url.endswith(f"whole={leader}&after=8")
    assert LookalikeWord.objects.get().asset == compared[3]


def test_keeping_another_instead_without_naming_one_is_one_sentence(project, people, compared):
    answer = people["alice"].post(address("duplicates-say", project), {"do": "instead", "d": "8"})
    assert answer.status_code == 302
    assert "Choose the one picture" in said(answer)
    assert not LookalikeWord.objects.exists()


def test_taking_out_and_bringing_back_is_two_presses(project, people, compared):
    people["alice"].post(address("duplicates-apply", project), {"d": "8"})
    do_jobs(project, "bulk_drop")
    assert Asset.objects.filter(project=project, reason="near_duplicate").count() == 17
    drop = BulkDrop.objects.get()
    people["alice"].post(address("bulk-drop-undo", project, drop.pk))
    do_jobs(project, "bulk_drop")
    assert not Asset.objects.filter(project=project, state="dropped").exists()
    assert "brought back" in people["alice"].get(address("duplicates", project)).content.decode()


@pytest.mark.parametrize("d", ["", "7", "x", "-1"])
def test_a_distance_that_is_none_of_the_stops_changes_nothing(d, project, people, compared):
    answer = people["alice"].post(address("duplicates-apply", project), {"d": d})
    assert "A distance is one of" in said(answer)
    assert not BulkDrop.objects.exists()


def test_a_reviewer_keeps_swaps_and_forgets(project, people, compared):
    say = address("duplicates-say", project)
    picture, leader = str(compared[1].public_id), str(compared[0].public_id)
    people["rita"].post(say, {"do": "keep", "picture": picture, "d": "8"})
    people["rita"].post(say, {"do": "instead", "picture": picture, "leader": leader, "d": "8"})
    assert LookalikeWord.objects.get(asset=compared[0]).leader_id == compared[1].pk
    people["rita"].post(say, {"do": "keep", "picture": str(compared[5].public_id), "d": "8"})
    page = people["rita"].get(address("duplicates", project), {"d": "8"}).content.decode()
    assert "2 decisions of people" in page
    assert "goes with" in page
    people["rita"].post(say, {"do": "unsay", "picture": leader, "d": "8"})
    assert LookalikeWord.objects.get().asset == compared[5]
    assert "Nothing is decided" in said(people["rita"].post(say, {"do": "unsay", "picture": leader, "d": "8"}))
    people["rita"].post(say, {"do": "forget", "d": "8"})
    assert not LookalikeWord.objects.exists()
    assert "can be asked for" in said(people["rita"].post(say, {"do": "burn", "picture": picture}))
    assert people["vera"].post(say, {"do": "forget"}).status_code == 404


def test_pictures_that_joined_by_themselves_are_counted_and_the_count_leads_to_their_groups(project, people, compared):
    in_a_row(project, 3, sharpness=50.0)
    joining.join(search=groups.search_of(project), now=database_now())
    page = people["vera"].get(address("duplicates", project), {"d": "8"}).content.decode()
    assert '<a class="link" href="?d=8&amp;new=1#groups">3 new</a> joined by themselves since' in page
    new = people["vera"].get(address("duplicates", project), {"d": "8", "new": "1"}).content.decode()
    assert "1 group with new pictures at 8 bits" in new
    assert "3 new</span>" in new


def test_a_picture_of_another_project_has_no_say(project, people, compared):
    other = make_asset(make_project("Other"))
    answer = people["rita"].post(address("duplicates-say", project), {"do": "keep", "picture": str(other.public_id)})
    assert "not in this project" in said(answer)
    assert not LookalikeWord.objects.exists()


def test_limits_are_tried_without_effect_and_applied_with_one(project, people):
    in_a_row(project, 20)
    tried = people["alice"].get(address("cuts", project), {"min_sharpness": "90.5"}).content.decode()
    assert "10 of 20 go" in tried
    assert not BulkDrop.objects.exists()
    people["alice"].post(address("cuts-apply", project), {"min_sharpness": "90.5"})
    do_jobs(project, "bulk_drop")
    assert Asset.objects.filter(project=project, reason="blurred").count() == 10
    assert Stage.objects.get(project=project, kind="checks").settings["min_sharpness"] == 90.5
    refused = people["alice"].post(address("cuts-apply", project), {"min_sharpness": "sharp"})
    assert refused.status_code == 400
    assert "must be a number" in refused.content.decode()


def test_a_version_of_ones_own_other_project_is_held_out_and_a_strangers_is_not(project, people, alice, charlie):
    mine, theirs = make_project("Exam", lead=alice), make_project("Secret", lead=charlie)
    frozen = [DatasetVersion.objects.create(project=one, number=1, frozen_at=one.created_at) for one in (mine, theirs)]
    page = people["alice"].get(address("held-out", project)).content.decode()
    assert "Exam, v1" in page
    assert "Secret" not in page
    for version, says in zip(frozen, ["no picture in it", "Choose a frozen version"], strict=True):
        asked = {"version": str(version.public_id), "name": "Exam"}
        answer = people["alice"].post(address("held-out-add", project), asked)
        assert answer.status_code == 400
        assert says in answer.content.decode()
    assert not HeldOutSet.objects.exists()


def test_levels_get_other_names_scores_and_consequences_on_record(project, people):
    sent = form(
        **{"name-0": "Recycled", "weight-80": "99", "consequence-5": "warn", "days-20": "", "same_photo": "hold"}
    )
    people["alice"].post(address("levels-save", project), sent)
    policy = honesty.policy_of(project.pk)
    assert (policy.of(0).name, policy.of(80).weight, policy.of(5).consequence) == ("Recycled", 99, "warn")
    assert policy.of(20).days is None
    assert Stage.objects.get(project=project, kind="checks").settings["same_photo"] == "hold"
    event = Event.objects.get(kind="levels.changed")
    assert event.data["before"]["levels"][0]["name"] == "Sent the same photo again"
    assert "Recycled" in people["vera"].get(address("workers", project)).content.decode()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"weight-5": "0"}, "score of its own"),
        ({"weight-5": "50"}, "Scores rise"),
        ({"weight-80": "101"}, "0 to 100"),
        ({"weight-80": "many"}, "whole number"),
        ({"name-0": ""}, "1 to 60 characters"),
        ({"days-0": "0"}, "1 to 3,650 days"),
        ({"share": "0"}, "1 to 90 %"),
        ({"least": "1"}, "one hit bans nobody"),
        ({"scope-0": "world"}, "batch, project or account"),
        ({"consequence-0": "prison"}, "nothing, warn or ban"),
        ({"same_photo": "burn"}, "same_photo is reject or hold"),
        ({"most_per_scene": "5000"}, "0 to 1,000"),
    ],
)
def test_a_level_that_cannot_be_is_one_sentence_and_changes_nothing(changed, says, project, people):
    answer = people["alice"].post(address("levels-save", project), form(**changed))
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert honesty.policy_of(project.pk) == Policy()
    assert not Event.objects.filter(kind__in=["levels.changed", "checks.changed"]).exists()


@pytest.fixture
def accused(project) -> Evidence:
    pool, wanda = make_pool(project), make_worker()
    asset = make_asset(project, Asset.State.DROPPED, reason="same_photo", worker=wanda, answer=make_answer(pool, wanda))
    return make_evidence(asset)


@pytest.mark.parametrize(("scope", "days"), [("batch", "3"), ("project", ""), ("account", "30")])
def test_a_ban_is_for_a_pool_a_project_or_everywhere_and_ends_with_it(scope, days, project, people, accused):
    User.objects.filter(email="alice@example.org").update(is_staff=True)
    people["alice"].post(address("evidence-ban", project, accused.pk), {"days": days, "scope": scope})
    ban = Restriction.objects.get()
    assert (ban.scope, ban.until is None) == (scope, not days)
    for _ in range(2):
        people["alice"].post(address("evidence-overturn", project, accused.pk))
    ban.refresh_from_db()
    assert ban.lifted_at is not None


def test_a_ban_everywhere_is_not_for_everybody(project, people, accused):
    answer = people["alice"].post(address("evidence-ban", project, accused.pk), {"days": "3", "scope": "account"})
    assert answer.status_code == 400
    assert not Restriction.objects.exists()


def test_the_board_can_be_narrowed_to_what_waits_and_to_one_level(project, people, accused):
    page = address("workers", project)
    mark = f'aria-label="Worker {accused.worker.short_id}"'
    assert mark in people["vera"].get(page, {"shown": "decided"}).content.decode()
    assert mark not in people["vera"].get(page, {"shown": "to-decide"}).content.decode()
    assert mark not in people["vera"].get(page, {"level": "80"}).content.decode()


def test_a_card_names_who_sent_the_other_picture_only_where_it_was_somebody_else(project, people, accused):
    own, theirs = (make_asset(project, worker=who) for who in (accused.worker, make_worker("Otto")))
    again = make_evidence(make_asset(project, worker=accused.worker), 5)
    for evidence, other in ((accused, theirs), (again, own)):
        Evidence.objects.filter(pk=evidence.pk).update(other_item_id=other.pk)
    page = people["alice"].get(address("workers", project)).content.decode()
    otto = Worker.objects.get(pk=theirs.worker_id).short_id
    assert (page.count("Same photo from two accounts"), page.count(f"From {otto}")) == (1, 1)
    assert "Sent the same photo again" in page
    assert "First sent" in page


def test_a_worker_with_much_evidence_hides_nobody_on_the_board(project, people, accused):
    pool, otto = Pool.objects.get(project=project), make_worker()
    for _ in range(CARDS):
        asset = make_asset(project, Asset.State.DROPPED, worker=otto, answer=make_answer(pool, otto))
        make_evidence(asset)
    shown = people["vera"].get(address("workers", project)).content.decode()
    assert all(f'aria-label="Worker {one.short_id}"' in shown for one in (otto, accused.worker))


def test_a_worker_s_page_says_the_year_a_ban_ends_and_leads_to_what_was_found(project, people, accused):
    people["alice"].post(address("evidence-ban", project, accused.pk), {"days": "730", "scope": "project"})
    shown = people["vera"].get(address("worker", project, accused.worker_id)).content.decode()
    assert f"{Restriction.objects.get().until:%-d %b %Y}, " in shown
    picture = Asset.objects.get(pk=accused.item_id)
    assert f'<a class="link" href="{address("asset", project, picture.public_id)}">' in shown


def test_a_ring_is_shown_with_its_pictures_and_the_chosen_of_it_are_banned(project, people):
    pool, wanda, otto = make_pool(project), make_worker(), make_worker()
    first = make_asset(project, worker=wanda, answer=make_answer(pool, wanda))
    again = make_asset(project, Asset.State.DROPPED, worker=otto, answer=make_answer(pool, otto))
    row = make_evidence(again)
    Evidence.objects.filter(pk=row.pk).update(kind="same_photo", other_item_id=first.pk)
    page = people["vera"].get(address("rings", project)).content.decode()
    assert "2 accounts, 1 shared picture" in page
    assert str(first.public_id) in page
    assert people["rita"].post(address("ring-ban", project, otto.pk), {"days": "9"}).status_code == 404
    ban = address("ring-ban", project, otto.pk)
    said = people["alice"].post(ban, {"days": "9"}, follow=True).content.decode()
    assert "Choose at least one account that is not banned yet." in said
    people["alice"].post(ban, {"days": "9", "worker": [otto.pk, make_worker().pk]})
    assert {row.worker_id for row in Restriction.objects.all()} == {otto.pk}
    people["alice"].post(ban, {"days": "9", "worker": [wanda.pk, otto.pk]})
    assert [row.worker_id for row in Restriction.objects.order_by("id")] == [otto.pk, wanda.pk]


def test_of_a_ring_only_those_who_sent_photos_of_others_are_chosen_at_first(project, people):
    pool, wanda, otto = make_pool(project), make_worker(), make_worker()
    first = make_asset(project, worker=wanda, answer=make_answer(pool, wanda))
    again = make_asset(project, Asset.State.DROPPED, worker=otto, answer=make_answer(pool, otto))
    row = make_evidence(again)
    Evidence.objects.filter(pk=row.pk).update(kind="same_photo", other_item_id=first.pk)
    page = people["alice"].get(address("rings", project)).content.decode()
    assert f'aria-label="Ban {otto.short_id}" checked>' in page
    assert f'aria-label="Ban {wanda.short_id}">' in page


def test_a_job_that_compares_is_asked_for_once(project, people):
    for _ in range(3):
        people["alice"].post(address("duplicates-search", project))
    assert Job.objects.filter(kind="find_lookalikes").count() == 1
    assert json.dumps(Job.objects.get(kind="find_lookalikes").payload) == "{}"
