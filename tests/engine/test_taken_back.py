"""Pictures that go back where they were, levels that count what is sure, and locks that are taken in one order."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.honesty import Policy
from crowd.models import Assignment, Evidence
from curation.dashboard.board import board
from curation.models import HeldOutSet
from curation.services import appeals, assets, cuts, held_out, suspicions
from curation.services.assets import restoring
from curation.services.consensus import readmitting
from curation.services.overview import honesty_levels
from tests.crowd.market import NOON
from tests.engine import world
from tests.engine.test_lookalikes import do_jobs


def taken_out(project):
    cuts.apply(project=project, values=cuts.read({"min_brightness": "255"}), by=world.person("Al"), now=NOON)
    do_jobs(project, "bulk_drop")


@pytest.mark.django_db
def test_a_picture_that_a_limit_took_from_the_annotators_goes_back_to_them_and_is_paid_once():
    project = world.campaign(wanted=20)
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    world.work(project, "boxes")
    asked, paid = world.on_offer(project, "boxes"), world.totals(project).paid_micro
    assert asked
    taken_out(project)
    assert world.stands(asset) == ("boxes", "dropped", "too_dark")
    assert world.on_offer(project, "boxes") == 0
    assets.restore(asset_id=asset.pk, by=world.person("Bea"), now=NOON)
    assert world.stands(asset) == ("boxes", "waiting", "")
    world.work(project, "boxes")
    assert world.on_offer(project, "boxes") == asked
    assert world.totals(project).paid_micro == paid
    world.box(project, 0.4, 0.402, 0.404)
    assert world.stands(asset)[0] not in {"checks", "validate", "boxes"}


@pytest.mark.django_db
def test_what_the_checks_themselves_dropped_still_goes_on_after_them():
    project = world.campaign(wanted=20, checks={"min_brightness": 255})
    asset = world.checked(project, world.photo("one"))
    assert world.stands(asset) == ("checks", "dropped", "too_dark")
    assets.restore(asset_id=asset.pk, by=world.person("Bea"), now=NOON)
    assert world.stands(asset)[:2] == ("validate", "waiting")


@pytest.mark.django_db
def test_a_level_counts_what_is_sure_and_says_beside_it_what_waits_for_a_person():
    project = world.campaign(wanted=20)
    sure = world.checked(project, world.example(), world.worker(project, "otto"))
    waits = world.checked(project, world.edited_example("cropped"), world.worker(project, "wanda"))
    assert (world.stands(sure)[1], world.stands(waits)[1]) == ("dropped", "held")
    levels = {one.level: one for one in honesty_levels(project=project, policy=Policy())}
    assert (levels[5].workers, levels[5].pictures, levels[5].waiting) == (1, 1, 0)
    assert (levels[20].workers, levels[20].pictures, levels[20].waiting) == (0, 0, 1)
    (column,) = board(project, policy=Policy(), now=database_now(), level=20).columns
    assert [card.asset for card in column.cards] == [waits.public_id]
    suspicions.confirm(evidence_id=Evidence.objects.get(level=20).pk, by=None, now=NOON)
    levels = {one.level: one for one in honesty_levels(project=project, policy=Policy())}
    assert (levels[20].pictures, levels[20].waiting) == (1, 0)


@pytest.mark.django_db
def test_two_who_hold_a_folder_out_under_one_name_at_once_get_one_set_and_one_sentence(tmp_path, monkeypatch):
    project = world.campaign(wanted=20)
    (tmp_path / "exam.jpg").write_bytes(world.photo("exam"))
    measure = held_out._measure

    def measure_while_somebody_else_does(reader, pictures):
        HeldOutSet.objects.create(project=project, name="Exam")
        monkeypatch.setattr(HeldOutSet.objects, "filter", lambda **_: HeldOutSet.objects.none())
        return measure(reader, pictures)

    monkeypatch.setattr(held_out, "_measure", measure_while_somebody_else_does)
    with pytest.raises(CrowdError, match="already; give this one another name"):
        held_out.add_source(project=project, name="Exam", source=str(tmp_path), by=None, now=NOON)
    monkeypatch.undo()
    assert HeldOutSet.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_appeal_and_a_false_alarm_at_the_same_moment_wait_for_each_other_and_both_come_about(monkeypatch):
    monkeypatch.setattr(restoring, "JUDGING_KINDS", ())  # a recipe in which whatever goes on is paid at once
    project, alice = world.campaign(wanted=20), world.person("Alice")
    otto, wanda = world.worker(project, "otto"), world.worker(project, "wanda")
    theirs = [world.checked(project, world.example(), who) for who in (otto, wanda)]
    pages = [world.page_of(asset) for asset in theirs]
    assert [page.state for page in pages] == [Assignment.State.REJECTED] * 2
    now = database_now()
    Assignment.objects.filter(pk=pages[0].pk).update(judged_at=now - timedelta(hours=1))
    appeal = appeals.file(page_id=pages[0].pk, worker_id=otto.pk, text="It is mine.", now=now)
    accusation = Evidence.objects.get(worker=wanda)
    ask_in, both_are_there = readmitting.ask_in, threading.Barrier(2)

    def ask_and_wait(project_id):
        ask_in(project_id)
        with suppress(threading.BrokenBarrierError):
            both_are_there.wait(timeout=1.5)

    monkeypatch.setattr(readmitting, "ask_in", ask_and_wait)
    failures = []

    def do(what, arguments):
        try:
            what(**arguments, by=alice, now=now)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=do, args=[suspicions.clear, {"evidence_id": accusation.pk}]),
        threading.Thread(target=do, args=[appeals.uphold, {"appeal_id": appeal.pk, "reply": "", "takes_back": True}]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []
    assert not Evidence.objects.filter(overturned_at=None).exists()
    assert all(world.stands(asset)[1] != "dropped" for asset in theirs)
