"""The asset browser over HTTP: pages, facets, tokens, views, changes and files of ids, for those who may."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from curation.models import Asset, AssetTag, BulkChange, Project, SavedView
from curation.services.asset_query import counting
from tests.engine.test_lookalikes import do_jobs
from tests.factories import make_answer, make_asset, make_consensus, make_pool, make_worker

pytestmark = pytest.mark.django_db


def at(project: Project, name: str = "assets", *more: object) -> str:
    return reverse(name, args=[project.public_id, *more])


def shown(client: Client, project: Project, **query: str) -> str:
    answer = client.get(at(project), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_paging_by_key_shows_every_asset_once_there_and_back(project, people):
    made = {str(make_asset(project).public_id) for _ in range(125)}
    seen, query = [], "?layout=list"
    for _ in range(3):
        answer = people["vera"].get(at(project) + query)
        seen += [str(asset.public_id) for asset in answer.context["page"].assets]
        query = answer.context["older"]
    assert len(seen) == len(made)
    assert set(seen) == made
    back = people["vera"].get(at(project) + answer.context["newer"])
    assert [str(asset.public_id) for asset in back.context["page"].assets] == seen[60:120]
    alone = people["vera"].get(at(project, "assets-page") + back.context["newer"])
    assert alone.content.decode().count("<tr data-id") == 60
    assert "<html" not in alone.content.decode()


def test_a_change_of_all_goes_up_to_the_newest_that_was_found(project, people):
    found = [make_asset(project) for _ in range(125)]
    other = make_asset(project, Asset.State.DROPPED)

    def newest(query: str):
        return people["vera"].get(at(project) + query).context["newest"]

    assert newest("") == other.public_id
    assert newest("?q=state:published") == found[-1].public_id
    assert newest(f"?q=state:published&after={found[5].public_id}") == other.public_id
    assert newest("?q=state:published created:>2020-01-01") == other.public_id


@pytest.mark.parametrize(("query", "is_bounded"), [("", False), ("name:hand", True)])
def test_only_what_is_looked_for_under_a_condition_can_take_too_long(query, is_bounded, project, people):
    with CaptureQueriesContext(connection) as asked:
        people["vera"].get(at(project), {"q": query})
    assert any("statement_timeout" in one["sql"] for one in asked) == is_bounded


def test_pages_of_a_name_go_there_and_back(project, people):
    made = [make_asset(project, name=f"Hand {number}.jpg") for number in range(125)]
    make_asset(project, name="foot.jpg")
    first = people["vera"].get(at(project), {"q": "name:HAND", "layout": "list"})
    seen = [asset.pk for asset in first.context["page"].assets]
    second = people["vera"].get(at(project) + first.context["older"])
    assert [*seen, *(asset.pk for asset in second.context["page"].assets)] == [asset.pk for asset in made[:4:-1]]
    back = people["vera"].get(at(project) + second.context["newer"])
    assert [asset.pk for asset in back.context["page"].assets] == seen


def test_a_name_that_none_has_is_looked_for_in_an_index_alone(project, people):
    make_asset(project, name="hand.jpg")
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as asked:
        assert people["vera"].get(at(project, "assets-page"), {"q": "name:unheard-of"}).context["page"].assets == ()
        statement = next(query["sql"] for query in asked if "UNHEARD-OF" in query["sql"].upper())
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan Backward using asset_newest" in plan


def test_pages_of_some_days_go_by_the_moment_of_arrival_there_and_back(project, people):
    """Among them many of one moment, whose numbers decide; numbers and days need not agree."""
    made = [make_asset(project) for _ in range(125)]
    noon, morning = "2026-10-05T12:00:00Z", "2026-10-05T06:00:00Z"
    Asset.objects.filter(pk__in=[asset.pk for asset in made]).update(created_at=noon)
    Asset.objects.filter(pk=made[-1].pk).update(created_at=morning)
    Asset.objects.filter(pk=make_asset(project).pk).update(created_at="2026-10-06T12:00:00Z")
    seen, query = [], "?layout=list&q=created:2026-10-05"
    for _ in range(3):
        answer = people["vera"].get(at(project) + query)
        seen += [asset.pk for asset in answer.context["page"].assets]
        query = answer.context["older"]
    assert seen == [*(asset.pk for asset in reversed(made[:-1])), made[-1].pk]
    back = people["vera"].get(at(project) + answer.context["newer"])
    assert [asset.pk for asset in back.context["page"].assets] == seen[60:120]
    jumped = people["vera"].get(
        at(project), {"q": "created:2026-10-01..2026-10-05", "layout": "list", "at": "2026-10-05"}
    )
    assert [asset.pk for asset in jumped.context["page"].assets] == seen[:60]


def test_facets_count_under_the_other_filters_and_link_to_what_they_count(project, people):
    make_asset(project)
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="rotated")
    answer = people["vera"].get(at(project) + "?state=dropped")
    facets = {facet.key: facet for facet in answer.context["facets"]}
    assert {value.value: value.n for value in facets["state"].values} == {"published": 1, "dropped": 1}
    assert answer.context["counted"].total == 1
    both = people["vera"].get(at(project) + facets["state"].values[0].href)
    assert str(both.context["asked"].query) == "state:dropped,published"
    assert both.context["counted"].total == 2


def test_the_old_addresses_of_links_mean_the_same_as_the_language(project, people):
    make_asset(project, Asset.State.DROPPED, stage="checks", reason="rotated")
    answer = people["vera"].get(
        at(project) + "?stage=checks&state=waiting,dropped&reason=rotated&tag=motion:yes&q=iou<0.5"
    )
    assert str(answer.context["asked"].query) == (
        'iou<0.5 state:waiting,dropped stage:checks reason:rotated tag:"motion: yes"'
    )


def test_a_worker_named_by_number_is_called_as_on_screens(project, people):
    wanda = make_worker()
    make_asset(project, worker=wanda)
    answer = people["vera"].get(at(project), {"worker": str(wanda.pk)})
    assert str(answer.context["asked"].query) == f"worker:{wanda.short_id}"
    assert len(answer.context["page"].assets) == 1


def test_what_is_added_to_the_query_becomes_a_token_and_a_wrong_word_a_sentence(project, people):
    make_asset(project)
    answer = people["vera"].get(at(project), {"q": "class:peace", "more": "iou<0.8  light:LOW"})
    assert answer["Location"] == f"{at(project)}?q=class:peace+iou%3C0.8+light:low"
    wrong = people["vera"].get(at(project), {"q": "class:peace", "more": "colour:red"})
    assert wrong.status_code == 400
    text = wrong.content.decode()
    assert "&#x27;colour&#x27; is no field; known are class" in text
    assert 'value="class:peace colour:red"' in text
    assert people["vera"].get(at(project, "assets-page"), {"q": "worker:wanda"}).status_code == 400
    assert "worker is a name such as" in people["vera"].get(at(project), {"q": "worker:wanda"}).content.decode()


@pytest.mark.parametrize("part", [["assets-counts"], ["assets-ids", "csv"], ["assets-ids", "jsonl"]])
def test_a_worker_nobody_knows_is_refused_by_the_counts_and_the_ids_too(part, project, people):
    make_asset(project)
    name, *more = part
    answer = people["vera"].get(at(project, name, *more), {"q": "worker:zzz"})
    assert answer.status_code == 400
    assert not answer.streaming


def test_a_query_that_failed_offers_no_ids_of_everything(project, people):
    make_asset(project)
    ids = at(project, "assets-ids", "csv")
    assert ids in shown(people["vera"], project)
    assert ids not in people["vera"].get(at(project), {"q": "worker:zzz"}).content.decode()


def test_a_filter_that_fits_nothing_offers_to_be_cleared(project, people):
    make_asset(project)
    assert "Clear filter" in shown(people["vera"], project, state="held")
    assert "Clear filter" in shown(people["vera"], project, reason="';--")
    assert "Clear filter" not in shown(people["vera"], project, reason="\0")


def test_a_thumbnail_warns_of_a_low_agreement_and_carries_its_boxes(project, people):
    worker = make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(make_pool(project), worker))
    make_consensus(asset, lowest_iou=0.74)
    text = shown(people["vera"], project)
    assert "IoU 0.74" in text
    assert 'data-boxes="0.2000,0.3000,0.1000,0.2000" data-size="1920 1080"' in text


def test_the_days_are_a_bar_and_a_jump_begins_with_the_day(project, people):
    days = ("2026-10-01", "2026-10-02", "2026-10-05")
    for day in days:
        for _ in range(2):
            asset = make_asset(project)
            Asset.objects.filter(pk=asset.pk).update(created_at=f"{day}T12:00:00Z")
    answer = people["vera"].get(at(project))
    assert [bar.words for bar in answer.context["bars"]][::4] == ["1 Oct 2026: 2", "5 Oct 2026: 2"]
    jumped = people["vera"].get(at(project), {"at": "2026-10-02"})
    assert [str(asset.created_at.date()) for asset in jumped.context["page"].assets] == [days[1]] * 2 + [days[0]] * 2
    assert jumped.context["newer"]


def test_frames_of_one_video_are_shown_in_the_order_of_time(project, people):
    video = make_asset(project, media="video")
    for number in (1, 0):
        make_asset(project, media="frame", parent=video, frame_index=number, frame_ms=number * 2500)
    text = shown(people["vera"], project, q=f"video:{video.public_id}")
    strip = text[text.index("Frames in the order of time") :]
    assert strip.index("0:00.0") < strip.index("0:02.5")


def test_a_big_project_is_counted_by_a_job_and_only_places_are_known_before(project, people, monkeypatch):
    monkeypatch.setattr(counting, "BIG", 1)
    for light in (20.0, 100.0):
        make_asset(project, brightness=light)
    first = people["vera"].get(at(project), {"q": "state:published"})
    assert first.context["counted"].total == 2
    assert first.context["counted"].pending
    assert "Being counted" in first.content.decode()
    unknown = people["vera"].get(at(project), {"q": "light:low"})
    assert unknown.context["counted"].total is None
    do_jobs(project, "count_assets")
    known = people["vera"].get(at(project, "assets-counts"), {"q": "light:low"})
    assert known.context["counted"].total == 1
    assert 'hx-swap-oob="true"' in known.content.decode()
    assert "Being counted" not in known.content.decode()


def test_saved_views_are_tabs_private_or_shared_renamed_moved_and_removed(project, people, rita):
    make_asset(project)
    for name, shared in (("Dark ones", ""), ("Ours", "yes")):
        people["rita"].post(
            at(project, "view-add"), {"name": name, "q": "light:low", "layout": "list", "shared": shared}
        )
    private, ours = SavedView.objects.order_by("position")
    assert [tab.name for tab in people["rita"].get(at(project)).context["tabs"]][5:] == ["Dark ones", "Ours"]
    assert [tab.name for tab in people["vera"].get(at(project)).context["tabs"]][5:] == ["Ours"]
    opened = people["vera"].get(at(project), {"view": str(ours.public_id)})
    assert (str(opened.context["asked"].query), opened.context["asked"].layout) == ("light:low", "list")
    edit = at(project, "view-edit", private.public_id)
    people["rita"].post(edit, {"do": "right"})
    people["rita"].post(edit, {"do": "rename", "name": "Darkest"})
    people["rita"].post(edit, {"do": "query", "q": "light:low blur:soft"})
    private.refresh_from_db()
    assert (private.name, private.query, private.layout) == ("Darkest", "light:low blur:soft", "grid")
    assert [tab.name for tab in people["rita"].get(at(project)).context["tabs"]][5:] == ["Ours", "Darkest"]
    assert people["alice"].post(edit, {"do": "remove"}).status_code == 404
    assert people["vera"].post(at(project, "view-edit", ours.public_id), {"do": "remove"}).status_code == 404
    assert people["charlie"].post(at(project, "view-add"), {"name": "x"}).status_code == 404
    people["rita"].post(edit, {"do": "remove"})
    assert list(SavedView.objects.all()) == [ours]
    for name, query in (("", ""), ("Ours", ""), ("New", "colour:red")):
        people["rita"].post(at(project, "view-add"), {"name": name, "q": query})
    assert SavedView.objects.count() == 1


def test_a_change_is_asked_for_with_the_query_followed_and_undone(project, people):
    newest = [make_asset(project) for _ in range(3)][-1]
    body = {"do": "tag", "tag": "blurred", "q": "state:published", "newest": str(newest.public_id)}
    answer = people["rita"].post(at(project, "assets-change"), body, headers={"HX-Request": "true"})
    assert "0 of 0" in answer.content.decode()
    do_jobs(project, "bulk_change")
    change = BulkChange.objects.get()
    state = people["vera"].get(at(project, "assets-change-state", change.public_id)).content.decode()
    assert "<b>3</b> assets: tag “blurred” added." in state
    assert "Undo" not in state
    assert "Undo" in shown(people["rita"], project)
    assert people["vera"].post(at(project, "assets-change-undo", change.public_id)).status_code == 404
    people["rita"].post(at(project, "assets-change-undo", change.public_id))
    do_jobs(project, "bulk_change")
    assert not AssetTag.objects.exists()


def test_a_change_needs_the_role_and_a_bad_one_gets_a_sentence(project, people):
    asset = make_asset(project)
    drop = {"do": "drop", "reason": "not_wanted", "picked": str(asset.public_id)}
    for person in ("rita", "vera", "charlie"):
        assert people[person].post(at(project, "assets-change"), drop).status_code == 404
    bad = people["alice"].post(at(project, "assets-change"), drop | {"reason": "x"}, headers={"HX-Request": "true"})
    assert bad.status_code == 400
    assert "&#x27;x&#x27; is no reason to drop" in bad.content.decode()
    worse = people["alice"].post(at(project, "assets-change"), drop | {"picked": "zz"}, headers={"HX-Request": "true"})
    assert worse.status_code == 400
    assert people["alice"].post(at(project, "assets-change"), drop | {"back": "?q=x"})["Location"].endswith("?q=x")
    assert BulkChange.objects.count() == 1


def test_the_ids_of_a_view_are_a_file_and_formulas_stay_text(project, people):
    make_asset(project, name="=1+1", source="camera")
    make_asset(project, Asset.State.DROPPED)
    file = people["vera"].get(at(project, "assets-ids", "csv"), {"q": "state:published"})
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert ",'=1+1,peace,published," in lines[1]
    rows = people["vera"].get(at(project, "assets-ids", "jsonl"), {"q": "source:camera"})
    assert [json.loads(line)["name"] for line in rows.streaming_content] == ["=1+1"]
    assert people["vera"].get(at(project, "assets-ids", "csv"), {"q": "colour:red"}).status_code == 400
    assert people["charlie"].get(at(project, "assets-ids", "csv")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_asynchronous_server_writes_ids_while_they_are_sent(project, people):
    async def fetch() -> list[bytes]:
        browser = AsyncClient()
        browser.cookies = people["vera"].cookies
        answer = await browser.get(at(project, "assets-ids", "jsonl"))
        assert answer.is_async
        return [piece async for piece in answer.streaming_content]

    made = [str(make_asset(project).public_id) for _ in range(3)]
    assert [json.loads(line)["id"] for line in b"".join(async_to_sync(fetch)()).splitlines()] == made


@pytest.mark.parametrize("name", ["assets", "assets-page", "assets-counts"])
def test_a_stranger_finds_no_list(name, project, people):
    assert people["charlie"].get(at(project, name)).status_code == 404


def test_a_view_keeps_the_query_of_the_near_duplicates_tab_understood(project, people):
    tabs = people["vera"].get(at(project)).context["tabs"]
    assert [tab.name for tab in tabs] == ["All", "To review", "Published", "Rejected", "Near-duplicates"]


def test_the_browser_asks_few_questions_of_the_database(project, people, django_assert_max_num_queries):
    for _ in range(3):
        make_asset(project)
    with django_assert_max_num_queries(20):
        people["alice"].get(at(project))
    with django_assert_max_num_queries(17):
        people["alice"].get(at(project))
    with django_assert_max_num_queries(9):
        people["alice"].get(at(project, "assets-page"))
