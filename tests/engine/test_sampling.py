"""Samples of a project: shares as wanted, what lacks said, held-out pictures left alone, kept as a tag."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Asset, Event, HeldOutPicture, HeldOutSet, SavedView
from curation.services import sampling
from curation.services.asset_query import matching, parse
from curation.services.coverage.plan import read_plan
from curation.services.sampling import Count, Order
from tests import factories

pytestmark = pytest.mark.django_db
PLAN = read_plan("brightness: 0..59 50%, 60..255 50%\nresolution: hd 60%, full-hd 40%, sd 0%")


@pytest.fixture
def project():
    made = factories.make_project()
    stock = {(30, 1280): 4, (30, 1920): 1, (120, 1280): 20, (120, 1920): 20, (120, 640): 5}
    for (brightness, width), n in stock.items():
        for _ in range(n):
            asset = factories.make_asset(made)
            Asset.objects.filter(pk=asset.pk).update(brightness=brightness, width=width, height=width * 9 // 16)
    return made


def test_shares_hold_and_what_lacks_is_named(project):
    found = sampling.drawn(project=project, order=Order(PLAN, 20))
    assert (len(found.asset_ids), found.among) == (20, 50)
    assert [(one.attribute, one.value, one.missing) for one in found.deficits] == [("brightness", "0..59", 5)]
    assert found.counts[:2] == [Count("brightness", "0..59", 5, 10), Count("brightness", "60..255", 15, 10)]
    assert [one.taken for one in found.counts[2:]] == [12, 8]


def test_the_seed_decides_and_a_query_says_among_which(project):
    one, again, other = (sampling.drawn(project=project, order=Order(PLAN, 20, seed=seed)) for seed in (1, 1, 2))
    assert one.asset_ids == again.asset_ids != other.asset_ids
    bright = sampling.drawn(project=project, order=Order(PLAN, 20, query="brightness>=60"))
    assert bright.among == 45


def test_held_out_pictures_are_never_taken(project):
    held = HeldOutSet.objects.create(project=project, name="final")
    for asset in Asset.objects.filter(brightness=30):
        HeldOutPicture.objects.create(
            held_out=held, name=asset.name, sha256=asset.sha256, hash256=b"", contrast=1, thumb_key="t", grey_key="g"
        )
    found = sampling.drawn(project=project, order=Order(PLAN, 20))
    assert found.among == 45
    assert not Asset.objects.filter(pk__in=found.asset_ids, brightness=30).exists()


def test_a_kept_sample_is_a_query_and_its_name_is_taken(project):
    found = sampling.keep(project=project, name="spring", order=Order(PLAN, 20), by=None, now=database_now())
    meant = matching(parse(sampling.query_of("spring")), project=project)
    assert set(meant.values_list("pk", flat=True)) == set(found.asset_ids)
    assert Event.objects.get(kind="sample.kept").text == "Sample “spring”: 20 of 50 assets, seed 0."
    with pytest.raises(CrowdError, match="has a sample “spring” already"):
        sampling.keep(project=project, name="spring", order=Order(PLAN, 5), by=None, now=database_now())


def test_the_command_prints_the_same_ids_again_and_says_what_is_wrong(project):
    shares = ["--shares", "brightness: 0..59 50%, 60..255 50%"]
    twice = []
    for _ in range(2):
        out = StringIO()
        call_command("sample", project.slug, "--size", "8", *shares, "--seed", "7", "--json", stdout=out)
        twice.append(out.getvalue())
    assert twice[0] == twice[1]
    document = json.loads(twice[0])
    assert (document["taken"], len(document["ids"])) == (8, 8)
    for words, sentence in (
        (["--size", "0", *shares], "A sample of 0 is none"),
        (["--size", "5"], "name at least one attribute"),
        (["--size", "5", "--shares", "light: low 30%, normal 30%"], "make 60 %, not 100 %"),
        (["--size", "5", *shares, "--query", "colour:red"], "colour"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("sample", project.slug, *words)


def test_under_sampling_takes_as_many_of_each_as_of_the_rarest(project):
    light = PLAN[:1]
    found = sampling.drawn(project=project, order=Order(light, 0, under="rarest"))
    assert [one.taken for one in found.counts] == [5, 5]
    sizes = read_plan("resolution: sd 10%, hd 10%, full-hd 80%")
    next_rarest = sampling.drawn(project=project, order=Order(sizes, 0, under="next"))
    assert [one.taken for one in next_rarest.counts] == [5, 21, 21]
    assert [(one.value, one.missing) for one in next_rarest.deficits] == [("sd", 16)]
    with pytest.raises(CrowdError, match="values of one condition, not of 2"):
        sampling.drawn(project=project, order=Order(PLAN, 0, under="rarest"))


def test_of_equal_assets_the_unlike_are_taken(project):
    for number, asset in enumerate(Asset.objects.filter(brightness=120, width=1280)):
        Asset.objects.filter(pk=asset.pk).update(hash256=bytes([255 if number < 2 else 0]) * 32)
    bright = read_plan("brightness: 60..255 90%, 0..59 10%")
    query = "brightness>=60 resolution:hd"
    found = sampling.drawn(project=project, order=Order(bright, 2, query=query, diverse=True))
    assert len(set(Asset.objects.filter(pk__in=found.asset_ids).values_list("hash256", flat=True))) == 2


def test_who_keeps_a_sample_gets_its_view(project):
    alice = factories.make_user("Alice")
    sampling.keep(project=project, name="spring", order=Order(PLAN, 20), by=alice, now=database_now())
    view = SavedView.objects.get(owner=alice)
    assert (view.name, view.query, view.is_shared) == ("Sample spring", 'tag:"sample: spring"', True)
