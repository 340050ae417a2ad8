"""A picture that the checks have proven to be an earlier one stands with it among the near-duplicates."""

import pytest

from crowd.models import Evidence
from curation.models import Asset, BulkDropped, Decision
from curation.services import assets, bulk_drops, suspicions
from curation.services.lookalikes import groups, thinning, words
from tests.crowd.market import NOON
from tests.disguises import encoded
from tests.engine import world
from tests.engine.test_corners import WAYS, pixels
from tests.engine.test_joining import compare, led
from tests.engine.test_lookalikes import do_jobs, in_a_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return world.campaign(wanted=20, checks={"same_photo": "hold"})


def proven(picture, earlier):
    """The checks found this picture to be the earlier one again; it is in the project."""
    shown = {"verdict": "same_photo", "other_asset": str(earlier.public_id)}
    about = {"project_id": picture.project_id, "asset": picture, "stage": picture.stage, "by_kind": "rule"}
    Decision.objects.create(verdict="dropped", reason="same_photo", evidence=shown, **about)


def test_a_held_crop_stands_with_its_original_at_every_distance_until_a_person_calls_it_no_cheating(project):
    first = world.checked(project, world.photo("one"))
    other = world.checked(project, world.photo("two"))
    crop = world.checked(project, encoded(WAYS["mirror and crop"](pixels(world.photo("one")))))
    assert world.stands(crop)[1:] == ("held", "same_photo")
    compare(project)
    for stop in (2, 16, 48):
        assert led(project, stop) == {first.pk: first.pk, crop.pk: first.pk, other.pk: other.pk}
    (group,) = groups.page(groups.resolved(groups.search_of(project), 16), number=1, project=project).groups
    assert (group.leader, [(one.asset, one.is_proven) for one in group.members]) == (first, [(crop, True)])
    suspicions.clear(evidence_id=Evidence.objects.get().pk, by=world.person("Alice"), now=NOON)
    assert led(project, 48) == {first.pk: first.pk, crop.pk: crop.pk, other.pk: other.pk}


def test_what_a_crop_led_is_grouped_anew_and_people_have_the_last_word(project):
    near, far = in_a_row(project, 8, sharpness=100.0), in_a_row(project, 8, sharpness=200.0)
    proven(far[0], near[7])
    compare(project)
    found = led(project, 8)
    assert found[far[0].pk] == found[near[7].pk] == near[0].pk
    assert {found[one.pk] for one in far[1:]} == {far[1].pk}
    words.keep(project=project, pictures=[far[0].public_id], by=world.person("Alice"))
    assert led(project, 8)[far[0].pk] == far[0].pk


def test_thinning_takes_a_proven_copy_out_and_keeps_the_proof(project):
    near, far = in_a_row(project, 1, sharpness=100.0), in_a_row(project, 1, sharpness=50.0)
    proven(far[0], near[0])
    compare(project)
    drop = thinning.apply(project=project, stop=2, also_new=False, by=world.person("Alice"), now=NOON)
    do_jobs(project, bulk_drops.KIND)
    taken = BulkDropped.objects.get(drop=drop)
    assert (taken.asset_id, taken.other_id, taken.evidence["verdict"]) == (far[0].pk, near[0].pk, "same_photo")
    assert Asset.objects.get(pk=far[0].pk).reason == thinning.REASON
    assets.restore(asset_id=far[0].pk, by=world.person("Alice"), now=NOON)
    assert led(project, 2)[far[0].pk] == far[0].pk


def test_an_original_of_another_class_or_that_has_left_holds_nothing(project):
    near, far = in_a_row(project, 2, sharpness=100.0), in_a_row(project, 2, sharpness=50.0)
    Asset.objects.filter(pk=near[0].pk).update(label_class=project.classes.first())
    proven(far[0], near[0])
    proven(far[1], near[1])
    compare(project)
    Asset.objects.filter(pk=near[1].pk).update(state="dropped")
    found = led(project, 2)
    assert found[far[0].pk] == far[0].pk
    assert found[far[1].pk] in {far[0].pk, far[1].pk}
