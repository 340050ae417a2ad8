"""New pictures join the groups of near-duplicates by themselves; what people said stands, and is undone one by one."""

from datetime import timedelta

import numpy as np
import pytest

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Asset, Event, Job, LookalikeSearch, LookalikeWord
from curation.services import jobs
from curation.services.jobs import Again
from curation.services.lookalikes import groups, joining, searching, words
from curation.services.lookalikes.arrays import STOPS, grouping_of
from tests.engine import world
from tests.engine.test_lookalikes import do_jobs, in_a_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=20)


def compare(project):
    searching.ask(project=project)
    do_jobs(project, "find_lookalikes")
    return long_ago(project)


def long_ago(project):
    LookalikeSearch.objects.filter(project=project).update(updated_at=database_now() - timedelta(hours=1))
    return groups.search_of(project)


def later(project, n, like, **values: float):
    """More pictures like these, a bit further in the row, less sharp than the first."""
    rows = in_a_row(project, n, **values)
    for number, (row, old) in enumerate(zip(rows, like, strict=False)):
        changed = bytearray(old.hash256)
        changed[31] ^= 1 << number % 8
        Asset.objects.filter(pk=row.pk).update(hash256=bytes(changed))
    return rows


def led(project, stop):
    found = groups.resolved(groups.search_of(project), stop)
    ids = found.pictures.ids
    return {int(ids[place]): int(ids[found.leaders[place]]) for place in range(len(ids)) if found.present[place]}


def test_what_joins_by_itself_is_grouped_as_a_whole_comparison_would_group_it(project):
    first = in_a_row(project, 24)
    before = compare(project)
    new = later(project, 20, first, sharpness=50.0)
    Asset.objects.filter(pk=first[3].pk).update(state="dropped")
    joining.ask(project_id=project.pk)
    do_jobs(project, "join_lookalikes")
    search = groups.search_of(project)
    assert (search.joined, search.pictures, search.asked_at) == (20, 44, before.asked_at)
    assert search.arrays_key != before.arrays_key
    joined = {stop: led(project, stop) for stop in STOPS}
    assert set(joined[8]) == {row.pk for row in [*first, *new]} - {first[3].pk}
    assert joined[8][new[0].pk] in {row.pk for row in first}
    Asset.objects.filter(pk=first[3].pk).update(state="published")
    alone = {stop: grouping_of(search.arrays_key, stop) for stop in STOPS}
    search.delete()
    compare(project)
    for stop in STOPS:
        whole = grouping_of(groups.search_of(project).arrays_key, stop)
        assert np.array_equal(alone[stop].leaders, whole.leaders)
        assert np.array_equal(alone[stop].distances, whole.distances)
    assert groups.search_of(project).joined == 0


def test_it_waits_for_half_a_minute_and_leaves_all_to_a_whole_comparison_that_is_due(project):
    first = in_a_row(project, 8)
    joining.ask(project_id=project.pk)
    assert not Job.objects.filter(kind="join_lookalikes").exists()  # nobody has asked for a comparison
    compare(project)
    later(project, 4, first, sharpness=50.0)
    joining.ask(project_id=project.pk)
    job = Job.objects.get(kind="join_lookalikes")
    now = database_now()
    LookalikeSearch.objects.filter(project=project).update(updated_at=now - timedelta(seconds=10))
    waits = joining.run_join(job, now)
    assert isinstance(waits, Again)
    assert 19 < waits.after < 21
    searching.ask(project=project)
    long_ago(project)
    assert joining.run_join(job, now) is None
    assert groups.search_of(project).joined == 0


def test_a_photo_that_passes_the_checks_joins_the_groups(project):
    world.checked(project, world.photo("one"))
    compare(project)
    world.checked(project, world.photo("two"))
    do_jobs(project, "join_lookalikes")
    assert groups.search_of(project).joined == 1


def test_a_group_that_a_person_decided_about_stays_so_and_each_word_is_undone_alone(project):
    first = in_a_row(project, 8)
    compare(project)
    bea = world.person("Bea")
    kept, other = (first[number].public_id for number in (2, 4))
    words.keep(project=project, pictures=[kept], by=bea)
    words.keep_instead(project=project, picture=other, instead_of=first[0].public_id, by=bea)
    said = led(project, 8)
    later(project, 4, first, sharpness=50.0)
    assert joining.join(search=groups.search_of(project), now=database_now()) == 4
    now = led(project, 8)
    assert {pk: now[pk] for pk in said} == said
    assert said[first[2].pk] == first[2].pk
    assert said[first[0].pk] == first[4].pk
    words.unsay(project=project, picture=kept, by=bea)
    assert led(project, 8)[first[2].pk] == first[4].pk
    assert LookalikeWord.objects.get().asset_id == first[0].pk
    assert Event.objects.filter(kind="lookalikes.word").count() == 3
    with pytest.raises(CrowdError, match="Nothing is decided"):
        words.unsay(project=project, picture=kept, by=bea)


def test_only_groups_with_new_pictures_are_listed_when_asked_for(project):
    first = in_a_row(project, 8)
    in_a_row(project, 8, sharpness=70.0)
    compare(project)
    (new,) = later(project, 1, first, sharpness=50.0)
    joining.join(search=groups.search_of(project), now=database_now())
    search = groups.search_of(project)
    found = groups.resolved(search, 8)
    everything = groups.page(found, number=1, project=project, joined=search.joined)
    only = groups.page(found, number=1, project=project, joined=search.joined, only_new=True)
    assert everything.found == 2
    (group,) = only.groups
    assert group.new == 1
    assert [member.asset.pk for member in group.members if member.is_new] == [new.pk]
    assert jobs.handler_of("join_lookalikes") is joining.run_join
