"""Samples of a project: shares as wanted, what lacks said, held-out pictures left alone, kept as a tag."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Asset, Event, HeldOutPicture, HeldOutSet
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
