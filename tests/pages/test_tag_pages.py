"""Tags on screens: on the asset, as a filter, and the layers of a stage."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crowd.clock import database_now
from curation.dashboard import tag_facet
from curation.models import Asset, Decision, Job, Stage
from curation.preprocessing.taggers.base import Tag
from curation.services import assets, tag_counts, tagging
from curation.services.asset_query import counting, parse
from curation.services.overview import asset_counts
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
LAYERS = [{"tagger": "motion", "keep": {"key": "motion", "any_of": ["yes"]}}]


@pytest.fixture
def alice():
    return make_user("Alice")


@pytest.fixture
def project(alice):
    made = make_project(lead=alice)
    Stage.objects.filter(project=made, kind="validate").update(kind="tag", name="tag", settings={"layers": LAYERS})
    return made


def picture(project, number: int, *tags: Tag) -> Asset:
    stage = project.stages.get(name="tag")
    asset = assets.enter(
        project=project, stage=stage, storage_key="k", sha256=bytes([number]) * 32, size=1, name=f"{number}.jpg"
    )
    assert asset
    tagging.keep(asset=asset, name="motion", tags=tags, seconds=0.5)
    return asset


def stop(asset: Asset, layer: int) -> None:
    verdict = Decision.Verdict.DROPPED if layer >= 0 else Decision.Verdict.PASSED
    reason = tagging.NOT_SELECTED if layer >= 0 else ""
    assets.decide(
        asset=assets.locked(asset.pk),
        verdict=verdict,
        reason=reason,
        by_kind="rule",
        evidence={"layer": layer},
        now=database_now(),
    )


def moving(word: str, number: float = 0.2) -> Tag:
    return Tag("motion", word, number=number)


def page(client, project, name: str, *more: object, **query: str) -> str:
    answer = client.get(reverse(name, args=[project.public_id, *more]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_asset_shows_what_was_said_of_it_and_by_whom(client, alice, project):
    asset = picture(project, 1, moving("yes", 0.1234), Tag("people", "yes", "heuristic", 0.61, number=2))
    client.force_login(alice)
    text = page(client, project, "asset", asset.public_id)
    assert ">0.123<" in text
    assert "61.0\u00a0% sure" in text
    assert "a guess" in text


def test_tags_narrow_the_list_within_a_key_by_or_between_keys_by_and(client, alice, project):
    both = picture(project, 1, moving("yes"), Tag("thing", "car, red"))
    picture(project, 2, moving("yes"), Tag("thing", "dog"))
    picture(project, 3, moving("no"), Tag("thing", "car, red"))
    client.force_login(alice)
    code = f"motion:yes,{tag_facet.encoded('thing', 'car, red')}"
    text = page(client, project, "assets", tag=code)
    assert text.count('class="thumb ') == 1
    assert str(both.public_id) in text
    assert page(client, project, "assets", tag="thing:dog,thing:cat").count('class="thumb ') == 1
    assert page(client, project, "assets", tag="motion:yes,motion:no").count('class="thumb ') == 3
    assert "Nothing found" in page(client, project, "assets", tag="colour:blue")


def test_the_page_of_tags_shows_the_layers_with_time_and_every_value_as_a_link(client, alice, project):
    for number in range(4):
        stop(picture(project, number, moving("yes" if number == 3 else "no")), -1 if number == 3 else 0)
    client.force_login(alice)
    text = page(client, project, "tags")
    assert "2.0 s" in text
    assert "25&nbsp;%" in text
    assert "?tag=motion:no" in text
    assert "Layers and tags" in page(client, project, "project")


def test_without_tags_the_pages_say_what_to_do(client, alice):
    client.force_login(alice)
    assert "No tags yet" in page(client, make_project(lead=alice), "tags")


def test_a_stranger_sees_no_tags(client, project):
    client.force_login(make_user("Charlie"))
    assert client.get(reverse("tags", args=[project.public_id])).status_code == 404


def test_a_word_of_an_address_keeps_commas_and_colons():
    for key, value in (("a b", "x, y"), ("k:1", "v:2"), ("é", "100%")):
        assert tag_facet.decoded(tag_facet.encoded(key, value)) == (key, value)
        assert "," not in tag_facet.encoded(key, value)


def test_the_counts_are_of_what_a_query_means_and_lead_there(client, alice, project):
    client.force_login(alice)
    for number, word in enumerate(("yes", "yes", "no"), start=1):
        asset = picture(project, number, moving(word))
        Asset.objects.filter(pk=asset.pk).update(brightness=10 if number == 1 else 200)
    text = page(client, project, "tags", q="brightness>=100")
    assert "?q=brightness%3E%3D100&amp;tag=" in text
    assert text.count("50.0") == 2
    assert "No picture of these has a tag." in page(client, project, "tags", q="brightness>=250")
    wrong = client.get(reverse("tags", args=[project.public_id]), {"q": "colour:red"})
    assert wrong.status_code == 400
    assert "colour" in wrong.content.decode()
    assert "Nothing is counted." in wrong.content.decode()


def test_what_takes_long_to_count_is_left_to_a_job_and_the_page_says_so(client, alice, project, monkeypatch):
    client.force_login(alice)
    picture(project, 1, moving("yes"))
    monkeypatch.setattr(tag_counts, "in_time", lambda _look, **_: None)
    assert "it goes on in the background" in page(client, project, "tags", q="media:image")
    answer = client.get(f"/api/v1/projects/{project.public_id}/tags", {"q": "media:image"})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "counting", "10")
    monkeypatch.setattr(tag_counts, "in_time", lambda look, **_: look())
    hour_ago = database_now() - timedelta(hours=1)
    tag_counts.run_count(Job.objects.get(kind="count_tags"), hour_ago)
    assert client.get(f"/api/v1/projects/{project.public_id}/tags", {"q": "media:image"}).json()[0]["n"] == 1
    monkeypatch.setattr(tag_counts, "FRESH", timedelta(0))
    text = page(client, project, "tags", q="media:image")
    assert "being counted anew" in text, "what took long is never counted in a request again"
    assert "?q=media%3Aimage&amp;tag=motion:yes" in text


def test_a_project_has_few_queries_counted_at_once_and_the_next_when_there_is_room(project, monkeypatch):
    monkeypatch.setattr(tag_counts, "in_time", lambda _look, **_: None)
    asked = [parse(f"width>{n}") for n in range(5)]
    assert all(tag_counts.counts(project, one).is_pending for one in asked)
    assert Job.objects.filter(kind="count_tags").count() == 3
    monkeypatch.setattr(counting, "BIG", -1)
    for one in asked:
        counting.counted(project, one, asset_counts(project=project))
    assert Job.objects.filter(kind="count_assets").count() == 3
    Job.objects.filter(kind="count_tags").update(state="done")
    tag_counts.counts(project, asked[4])
    assert Job.objects.filter(kind="count_tags").count() == 4


def test_counts_of_a_query_are_kept_until_the_project_changes(client, alice, project, django_assert_num_queries):
    picture(project, 1, moving("yes"))
    query = parse("media:image")
    assert [one.n for one in tag_counts.counts(project, query).values] == [1]
    with django_assert_num_queries(0):
        tag_counts.counts(project, query)
    project.version += 1
    picture(project, 2, moving("yes"))
    assert [one.n for one in tag_counts.counts(project, query).values] == [2]
