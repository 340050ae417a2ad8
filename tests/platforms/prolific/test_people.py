"""Who is let in: countries and languages, skills and bans as groups."""

import pytest

from crowd.audience import Audience, SkillRange
from crowd.errors import Invalid, NotSupported
from crowd.models import Account
from crowd.platforms.base import Ban
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def filters(adapter, account, changed, there):
    """The filters of a study for this audience, by name."""

    def of(asked: Audience):
        study = adapter.ensure_batch(account, changed(audience=asked, key=asked.model_dump_json()))
        form = there.market.studies[study].form
        return {row["filter_id"]: row["selected_values"] for row in form["filters"]} | {
            "devices": form["device_compatibility"]
        }

    return of


@pytest.fixture
def members(there, account):
    """Who is in the group of this name."""

    def of(name: str) -> set[str]:
        groups = there.market.groups.values()
        return next(one.people for one in groups if one.workspace == account.settings["workspace"] and one.name == name)

    return of


def test_countries_and_languages_become_the_platforms_numbers(filters):
    found = filters(Audience(countries=["us", "de"], languages=["en"]))
    assert found["current-country-of-residence"] == ["1", "2"]
    assert found["fluent-languages"] == ["1"]


def test_a_country_the_platform_has_nobody_in_is_named(filters):
    with pytest.raises(Invalid, match="Prolific has no 'France' there"):
        filters(Audience(countries=["fr"]))


def test_devices_are_named_as_there(filters):
    assert filters(Audience())["devices"] == ["desktop", "mobile", "tablet"]
    assert filters(Audience(devices=["smartphone"]))["devices"] == ["mobile"]


def test_what_the_platform_cannot_choose_by_is_said(adapter, account, changed):
    asked = Audience(countries=["XX"], languages=["zz"], regions=[1], devices=["FRIDGE"], top_percent=10)
    assert len(adapter.lacks(account, changed(audience=asked))) == 5


def test_a_skill_lets_in_who_has_it_already(adapter, account, changed, there):
    wanda, walter = market.worker(account), market.worker(account)
    checking = market.skill(account, "Checking")
    market.grade(wanda, checking, 90)
    market.grade(walter, checking, 40)
    study = adapter.ensure_batch(account, changed(needs_skill="Checking", needs_value=80))
    assert there.lets_in(study, wanda.ext_id)
    assert not there.lets_in(study, walter.ext_id)


def test_a_new_value_of_a_skill_opens_and_closes_studies(adapter, account, changed, members):
    adapter.ensure_batch(account, changed(needs_skill="Checking", needs_value=80))
    adapter.ensure_batch(account, changed(key="other", needs_skill="Checking", needs_value=60))
    for value, groups in [(70, {60}), (90, {60, 80}), (50, set())]:
        adapter.set_skill(account, "p1", "Checking", value)
        assert {least for least in (60, 80) if "p1" in members(f"winnow skill Checking of {least}")} == groups


def test_a_skill_nobody_asks_for_needs_no_group(adapter, account, study, there):
    before = len(there.market.groups)
    adapter.set_skill(account, "p1", "Drawing", 90)
    assert len(there.market.groups) == before


def test_who_is_too_good_for_a_study_is_kept_out(adapter, account, changed, there):
    asked = Audience(skills=[SkillRange(skill="Checking", low=0, high=79)])
    study = adapter.ensure_batch(account, changed(audience=asked))
    adapter.set_skill(account, "master", "Checking", 95)
    adapter.set_skill(account, "novice", "Checking", 50)
    assert not there.lets_in(study, "master")


@pytest.fixture
def pools(adapter, account, study, changed) -> list[str]:
    """A pool, another one of the project, and one of another project."""
    return [
        study,
        adapter.ensure_batch(account, changed(key="same project")),
        adapter.ensure_batch(account, changed(key="elsewhere", project_id=8)),
    ]


@pytest.mark.parametrize("scope", ["batch", "project", "account"])
def test_a_ban_covers_its_scope_and_no_more(scope, adapter, account, pools, there):
    kept_out = {"batch": pools[:1], "project": pools[:2], "account": pools}[scope]
    adapter.restrict(account, pools[0], Ban("p1", scope, "sent the example"))
    assert [one for one in pools if not there.lets_in(one, "p1")] == kept_out
    adapter.unrestrict(account, pools[0], Ban("p1", scope, ""), NOON)
    assert all(there.lets_in(one, "p1") for one in pools)


def test_groups_are_made_once(account, pools, there):
    names = [one.name for one in there.market.groups.values() if one.workspace == account.settings["workspace"]]
    assert len(names) == len(set(names))


def test_messages_are_written_elsewhere(adapter, account: Account):
    with pytest.raises(NotSupported, match="inbox"):
        adapter.message(account, ["p1"], "Hello", "You")
