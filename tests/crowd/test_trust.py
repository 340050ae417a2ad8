"""Who may work: evidence, levels, bans, quality rules. One hit bans nobody."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crowd.honesty import USUAL, WARN, Policy, lower_bound
from crowd.models import Assignment, Batch, Evidence, Restriction, Worker
from crowd.services import dishonesty, trust
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
Level = Evidence.Level


@pytest.fixture
def photos() -> Batch:
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos, 40)
    return photos


@pytest.fixture
def wanda(photos) -> Worker:
    return market.worker(photos.account)


def send(photos: Batch, who: Worker, n: int) -> list[Assignment]:
    return [market.sent(photos, who) for _ in range(n)]


def standing(who: Worker) -> list[tuple[str, datetime | None]]:
    """Cause and end of each ban in force."""
    return list(Restriction.objects.in_force(NOON).filter(worker=who).order_by("pk").values_list("by_rule", "until"))


def accuse(
    photos: Batch, who: Worker, n: int, level: int = Level.DUPLICATE, start: int = 0, *, awaits_person: bool = False
) -> list[Evidence]:
    return [
        row
        for hit in hits(who, n, level, start, awaits_person=awaits_person)
        for row in dishonesty.record_all(project_id=photos.project_id, hits=[hit], now=NOON)
    ]


def hits(
    who: Worker, n: int, level: int = Level.DUPLICATE, start: int = 0, *, awaits_person: bool = False
) -> list[dishonesty.Hit]:
    return [
        dishonesty.Hit(
            worker_id=who.pk,
            level=level,
            kind="same_photo",
            item_id=who.pk * 1000 + start + number,
            other_item_id=None,
            details={"distance": 3},
            awaits_person=awaits_person,
        )
        for number in range(n)
    ]


def banned(photos: Batch, who: Worker, now: datetime = NOON) -> bool:
    return trust.is_restricted(worker=who, batch=photos, now=now)


def ban(photos: Batch, who: Worker, until: datetime | None, by_rule: str = "", reason: str = "") -> Restriction:
    return trust.restrict(
        worker_id=who.pk,
        scope=Restriction.Scope.PROJECT,
        scope_id=photos.project_id,
        reason=reason,
        until=until,
        by_rule=by_rule,
    )


# The measure


@pytest.mark.parametrize(
    ("hits", "judged", "bound"),
    [(1, 1, 0.018), (5, 5, 0.115), (10, 10, 0.229), (5, 10, 0.094), (20, 100, 0.121)],
)
def test_the_lower_bound_of_the_dishonest_share(hits, judged, bound):
    assert lower_bound(hits, judged) == pytest.approx(bound, abs=0.0006)


def test_fewer_than_five_submissions_give_no_level(photos, wanda):
    send(photos, wanda, 4)
    accuse(photos, wanda, 4, Level.SYNTHETIC)
    assert dishonesty.level_of(worker_id=wanda.pk, project_id=photos.project_id) is None
    assert not banned(photos, wanda)


def test_one_hit_among_many_bans_nobody(photos, wanda):
    send(photos, wanda, 8)
    accuse(photos, wanda, 1)
    assert not banned(photos, wanda)


def test_five_of_five_ban_for_the_days_of_their_level(photos, wanda):
    send(photos, wanda, 5)
    accuse(photos, wanda, 5, Level.PROCESSED)
    row = Restriction.objects.get(worker=wanda)
    assert (row.scope, row.scope_id, row.by_rule) == ("project", photos.project_id, "dishonesty")
    assert row.until == NOON + 30 * DAY
    assert row.reason == "Level 20: Edited the example: crop, flip, filter"
    assert banned(photos, wanda)


def test_the_highest_level_that_holds_alone_counts(photos, wanda):
    send(photos, wanda, 10)
    accuse(photos, wanda, 8, Level.TEMPLATE)
    accuse(photos, wanda, 1, Level.SYNTHETIC, start=100)
    assert dishonesty.level_of(worker_id=wanda.pk, project_id=photos.project_id) == Level.TEMPLATE


def test_the_same_picture_accuses_once(photos, wanda):
    send(photos, wanda, 5)
    accuse(photos, wanda, 1)
    accuse(photos, wanda, 1)
    assert Evidence.objects.count() == 1


def test_hits_recorded_together_have_the_consequences_of_one_after_the_other(photos, wanda):
    first, *others = USUAL
    policy = Policy((replace(first, consequence=WARN), *others))
    together = market.worker(photos.account, "together")
    levels = [Level.DUPLICATE] * 6 + [Level.TEMPLATE] * 6
    for who in (wanda, together):
        send(photos, who, len(levels))
    given = {
        who: [hit for at, level in enumerate(levels) for hit in hits(who, 1, level, at)] for who in (wanda, together)
    }
    for hit in given[wanda]:
        dishonesty.record_all(project_id=photos.project_id, hits=[hit], now=NOON, policy=policy)
    again = [*given[together], given[together][0]]
    rows = dishonesty.record_all(project_id=photos.project_id, hits=again, now=NOON, policy=policy)
    assert [row.level for row in rows] == [*levels, levels[0]]
    assert rows[0].pk == rows[-1].pk
    said = "scope", "effect", "reason", "by_rule", "until", "lifted_at"
    of_each = [list(Restriction.objects.filter(worker=who).order_by("pk").values_list(*said)) for who in given]
    assert of_each[0] == of_each[1]
    assert [effect for _, effect, *_ in of_each[0]] == ["warning", "no_work"]


def test_a_false_alarm_lifts_the_ban_when_the_rest_is_too_little(photos, wanda):
    send(photos, wanda, 5)
    rows = accuse(photos, wanda, 5)
    assert banned(photos, wanda)
    for _ in range(2):
        dishonesty.overturn(evidence_id=rows[0].pk, now=NOON)
    assert not banned(photos, wanda)
    assert Evidence.objects.filter(overturned_at=NOON).count() == 1


def test_a_false_alarm_does_not_lift_what_a_person_decided(photos, wanda):
    send(photos, wanda, 5)
    (row,) = accuse(photos, wanda, 1)
    ban(photos, wanda, None)
    dishonesty.overturn(evidence_id=row.pk, now=NOON)
    assert banned(photos, wanda)


def test_what_remains_after_a_false_alarm_bans_for_the_level_that_remains(photos, wanda):
    send(photos, wanda, 12)
    accuse(photos, wanda, 5)
    grave = accuse(photos, wanda, 7, Level.SYNTHETIC, start=100)
    assert standing(wanda) == [("dishonesty", NOON + 365 * DAY)]
    for row in grave:
        dishonesty.overturn(evidence_id=row.pk, now=NOON)
    assert standing(wanda) == []
    send_more = accuse(photos, wanda, 5, start=200)
    assert standing(wanda) == [("dishonesty", NOON + 10 * DAY)]
    more = accuse(photos, wanda, 8, Level.SYNTHETIC, start=300)
    assert standing(wanda) == [("dishonesty", NOON + 365 * DAY)]
    for row in more:
        dishonesty.overturn(evidence_id=row.pk, now=NOON + DAY)
    assert standing(wanda) == [("dishonesty", NOON + 10 * DAY)]
    assert Restriction.objects.in_force(NOON).get().reason == "Level 0: Sent the same photo again"
    for row in send_more:
        dishonesty.overturn(evidence_id=row.pk, now=NOON + DAY)
    assert standing(wanda) == []


def test_a_false_alarm_leaves_a_ban_that_the_rest_still_gives(photos, wanda):
    send(photos, wanda, 9)
    rows = accuse(photos, wanda, 9)
    before = Restriction.objects.get()
    dishonesty.overturn(evidence_id=rows[0].pk, now=NOON + DAY)
    assert Restriction.objects.get().lifted_at is None
    assert Restriction.objects.get().until == before.until


def test_a_false_alarm_ends_what_a_rule_asked_for_and_leaves_what_a_person_did(photos, wanda):
    send(photos, wanda, 5)
    ban(photos, wanda, NOON + 3 * DAY, reason="A person said so")
    rows = accuse(photos, wanda, 5)
    assert standing(wanda) == [("", NOON + 3 * DAY), ("dishonesty", NOON + 10 * DAY)]
    dishonesty.overturn(evidence_id=rows[0].pk, now=NOON)
    assert standing(wanda) == [("", NOON + 3 * DAY)]


def test_a_ban_because_of_one_piece_of_evidence_ends_without_the_ban_of_the_level(photos, wanda):
    send(photos, wanda, 9)
    rows = accuse(photos, wanda, 9)
    ban(photos, wanda, NOON + 30 * DAY, dishonesty.because_of(rows[0]))
    dishonesty.overturn(evidence_id=rows[0].pk, now=NOON)
    assert standing(wanda) == [("dishonesty", NOON + 10 * DAY)]


def test_evidence_that_awaits_a_person_counts_when_a_person_has_confirmed_it(photos, wanda):
    send(photos, wanda, 5)
    rows = accuse(photos, wanda, 5, awaits_person=True)
    assert dishonesty.level_of(worker_id=wanda.pk, project_id=photos.project_id) is None
    for row in rows:
        assert not banned(photos, wanda)
        dishonesty.confirm(evidence_id=row.pk, now=NOON)
    assert banned(photos, wanda)


def test_a_picture_is_accused_again_only_after_a_false_alarm(photos, wanda):
    send(photos, wanda, 5)
    (first,) = accuse(photos, wanda, 1)
    dishonesty.overturn(evidence_id=first.pk, now=NOON)
    (again,) = accuse(photos, wanda, 1)
    assert again.pk != first.pk
    assert list(Evidence.counting()) == [again]


@pytest.mark.django_db(transaction=True)
def test_false_alarms_said_at_once_end_the_ban_once(photos, wanda):
    send(photos, wanda, 6)
    rows = accuse(photos, wanda, 6)
    assert banned(photos, wanda)
    market.at_once(lambda row: dishonesty.overturn(evidence_id=row.pk, now=NOON), rows[:3])
    assert standing(wanda) == []


@pytest.mark.django_db(transaction=True)
def test_hits_that_come_at_once_are_all_seen(photos, wanda):
    send(photos, wanda, 5)
    found = market.at_once(lambda start: accuse(photos, wanda, 1, start=start), [10, 20, 30, 40, 50])
    assert not [one for one in found if isinstance(one, Exception)]
    assert standing(wanda) == [("dishonesty", NOON + 10 * DAY)]


# Restrictions


def test_a_restriction_is_in_force_until_its_time(photos, wanda):
    ban(photos, wanda, NOON + DAY)
    assert banned(photos, wanda, NOON + DAY - MINUTE)
    assert not banned(photos, wanda, NOON + DAY)


def test_a_restriction_without_a_time_holds_until_it_is_lifted(photos, wanda):
    row = ban(photos, wanda, None)
    assert banned(photos, wanda, NOON + 9999 * DAY)
    trust.lift(restriction_id=row.pk, now=NOON)
    assert not banned(photos, wanda)


def test_a_second_restriction_of_the_same_cause_prolongs_the_first(photos, wanda):
    ban(photos, wanda, NOON + DAY, "speed")
    ban(photos, wanda, NOON + 2 * DAY, "speed")
    ban(photos, wanda, NOON + DAY, "speed")
    assert standing(wanda) == [("speed", NOON + 2 * DAY)]


def test_lifting_one_cause_leaves_the_other(photos, wanda):
    ban(photos, wanda, NOON + DAY, "speed")
    row = ban(photos, wanda, NOON + 2 * DAY, "control")
    trust.lift(restriction_id=row.pk, now=NOON)
    assert standing(wanda) == [("speed", NOON + DAY)]
    assert banned(photos, wanda)


@pytest.mark.parametrize("until", [None, NOON + 99 * DAY])
def test_a_rule_never_shortens_what_a_person_decided(photos, wanda, until):
    ban(photos, wanda, until, reason="A person said so")
    ban(photos, wanda, NOON + DAY, "dishonesty", "Level 0")
    row = Restriction.objects.get(by_rule="")
    assert (row.until, row.reason) == (until, "A person said so")
    assert standing(wanda) == [("", until), ("dishonesty", NOON + DAY)]


@pytest.mark.parametrize("scope", Restriction.Scope.values)
def test_a_restriction_covers_its_scope_and_no_more(photos, wanda, scope):
    elsewhere = market.batch("photo", at=market.account())
    ids = {"batch": photos.pk, "project": photos.project_id, "account": photos.account_id}
    trust.restrict(worker_id=wanda.pk, scope=scope, scope_id=ids[scope], reason="", until=None)
    assert banned(photos, wanda)
    assert not banned(elsewhere, wanda)


def test_the_same_person_on_another_account_is_banned_too(photos, wanda):
    double = market.worker(photos.account)
    Worker.objects.filter(pk__in=[wanda.pk, double.pk]).update(person_id=7)
    ban(photos, wanda, None)
    double.refresh_from_db()
    assert banned(photos, double)


# Rules of a pool


def test_too_many_wrong_control_answers_ban():
    watched = market.batch(page_size=2, control_per_page=1, rules={"control": {"least_answers": 5}})
    market.tasks(watched, 6)
    market.tasks(watched, 6, known="incorrect")
    wanda = market.worker(watched.account)
    for number in range(5):
        assert not banned(watched, wanda), number
        market.sent(watched, wanda)
    assert Restriction.objects.get().by_rule == "control"
    assert banned(watched, wanda)


def test_right_control_answers_ban_nobody():
    watched = market.batch(page_size=2, control_per_page=1, rules={"control": {"least_answers": 5}})
    market.tasks(watched, 6)
    market.tasks(watched, 6, known="correct")
    wanda = market.worker(watched.account)
    for _ in range(6):
        market.sent(watched, wanda)
    assert not banned(watched, wanda)


def test_three_pages_faster_than_anybody_can_look_ban():
    watched = market.batch(page_size=2, rules={"speed": {"seconds_per_task": 1.0, "times": 3}})
    market.tasks(watched, 20)
    wanda = market.worker(watched.account)
    for ms in (1_999, 2_000, 60_000, 500):
        market.sent(watched, wanda, ms=ms)
    assert not banned(watched, wanda)
    market.sent(watched, wanda, ms=0)
    assert Restriction.objects.get().by_rule == "speed"
    assert banned(watched, wanda)
