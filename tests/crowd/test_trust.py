"""Who may work: evidence, levels, bans, quality rules. One hit bans nobody."""

from datetime import datetime, timedelta

import pytest

from crowd.honesty import lower_bound
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


def accuse(photos: Batch, who: Worker, n: int, level: int = Level.DUPLICATE, start: int = 0) -> list[Evidence]:
    return [
        dishonesty.record_evidence(
            worker_id=who.pk,
            project_id=photos.project_id,
            level=level,
            kind="same_photo",
            item_id=who.pk * 1000 + start + number,
            other_item_id=None,
            details={"distance": 3},
            now=NOON,
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
    assert row.reason == "Level 20: edited the example: crop, flip, filter"
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


def test_a_second_restriction_prolongs_the_first(photos, wanda):
    ban(photos, wanda, NOON + DAY, "speed")
    ban(photos, wanda, NOON + 2 * DAY, "control")
    row = Restriction.objects.get()
    assert (row.until, row.by_rule) == (NOON + 2 * DAY, "control")


@pytest.mark.parametrize("until", [None, NOON + 99 * DAY])
def test_a_rule_never_shortens_what_a_person_decided(photos, wanda, until):
    ban(photos, wanda, until, reason="A person said so")
    ban(photos, wanda, NOON + DAY, "dishonesty", "Level 0")
    row = Restriction.objects.get()
    assert (row.until, row.by_rule, row.reason) == (until, "", "A person said so")


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
