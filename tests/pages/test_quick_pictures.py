"""Small pictures of a list by a pass: what the ordinary view answers, for the reader's own session, for minutes."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from curation import quick_pictures
from curation.models import Asset, AssetPreview, Project
from curation.quick_pictures import WINDOW_SECONDS, QuickPictures, key_of, pass_for
from tests.factories import make_asset

pytestmark = pytest.mark.django_db
HANDED_ON = 418
OF_THE_VIEW_ALONE = {"Vary", "X-Request-Id"}  # a picture answered before Django writes no line that would name it


@pytest.fixture
def pictured(project: Project) -> Asset:
    asset = make_asset(project)
    key = default_storage.save("thumb/a small one.webp", ContentFile(b"RIFF....WEBP"))
    AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    return asset


def told(address: str, *, cookie: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Ask the door before Django; what it hands on is answered with a teapot."""

    async def behind(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": HANDED_ON, "headers": []})
        await send({"type": "http.response.body"})

    async def ask() -> tuple[int, dict[str, str], bytes]:
        path, _, query = address.partition("?")
        headers = [(b"cookie", cookie.encode())]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
        door = ApplicationCommunicator(QuickPictures(behind), scope)
        start, body = await door.receive_output(timeout=30), await door.receive_output(timeout=30)
        named = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], named, body.get("body", b"")

    return async_to_sync(ask)()


def session_of(client: Client) -> str:
    return f"theme=dark; sessionid={client.cookies['sessionid'].value}"


def address_on_the_page(client: Client, asset: Asset, layout: str) -> str:
    page = client.get(reverse("assets-page", args=[asset.project.public_id]), {"layout": layout}).content.decode()
    return page.split('<img src="')[1].split('"')[0].replace("&amp;", "&")


@pytest.mark.parametrize("layout", ["grid", "list"])
def test_a_page_gives_passes_that_show_its_pictures_as_the_view_does(layout, pictured, people):
    address = address_on_the_page(people["vera"], pictured, layout)
    status, headers, body = told(address, cookie=session_of(people["vera"]))
    usual = people["vera"].get(address)
    assert (status, body) == (200, usual.content)
    behind = {name.lower(): value for name, value in usual.headers.items() if name not in OF_THE_VIEW_ALONE}
    assert headers == behind | {"content-length": str(len(body))}


def test_a_pass_is_of_no_use_to_another_session_and_not_for_another_picture(pictured, people):
    address = address_on_the_page(people["vera"], pictured, "grid")
    own = session_of(people["vera"])
    assert told(address, cookie=own)[0] == 200
    for cookie in ("", "sessionid=", session_of(people["alice"]), session_of(people["charlie"])):
        assert told(address, cookie=cookie)[0] == HANDED_ON
    other = make_asset(pictured.project)
    wrong = [
        address.replace(str(pictured.public_id), str(other.public_id)),
        address.replace(".webp", ".png"),
        address.replace("until=", "until=1"),
        address.replace("pass=", "pass=0"),
        address.partition("&pass")[0],
        address.replace("thumb/?", "screen/?"),
        reverse("media", args=[pictured.public_id, "thumb"]),
    ]
    assert [told(one, cookie=own)[0] for one in wrong] == [HANDED_ON] * len(wrong)
    assert told(address, cookie=own, method="POST")[0] == HANDED_ON


def test_without_its_pass_a_picture_is_still_for_members_alone(pictured, people):
    address = address_on_the_page(people["vera"], pictured, "grid")
    assert people["charlie"].get(address).status_code == 404
    assert people["nobody"].get(address).status_code == 302


def test_a_pass_ends_after_minutes_and_stays_the_same_until_the_next_window(pictured):
    asset, noon = pictured.public_id, 1_000 * WINDOW_SECONDS
    made = [pass_for(session="s", asset=asset, key="thumb/a.webp", now=noon + late) for late in (0, 299.9, 300)]
    assert made[0] == made[1] != made[2]

    def shown(now: float, session: str = "s") -> str:
        return key_of(query=made[0], session=session, asset=str(asset), now=now)

    assert shown(noon) == shown(noon + 2 * WINDOW_SECONDS - 1) == "thumb/a.webp"
    assert shown(noon + 2 * WINDOW_SECONDS) == shown(noon, session="t") == ""
    assert key_of(query=pass_for(session="", asset=asset, key="k", now=noon), session="", asset=str(asset), now=0) == ""


def test_a_picture_that_is_gone_or_lies_in_a_bucket_is_left_to_the_view(pictured, people, monkeypatch):
    address = address_on_the_page(people["vera"], pictured, "grid")

    def no_path(_key: str) -> str:
        raise NotImplementedError

    with monkeypatch.context() as bucket:
        bucket.setattr(quick_pictures.default_storage, "path", no_path)
        assert told(address, cookie=session_of(people["vera"]))[0] == HANDED_ON
    default_storage.delete(pictured.preview.thumb_key)
    assert told(address, cookie=session_of(people["vera"]))[0] == HANDED_ON


def test_pictures_answered_so_are_counted_with_the_others(pictured, people):
    def answered() -> float:
        families = {family.name: family for family in quick_pictures.request_counts.families()}
        counts = families["winnow_http_requests_total"].samples
        return sum(one[-1] for one in counts if "media" in str(one))

    before = answered()
    assert told(address_on_the_page(people["vera"], pictured, "grid"), cookie=session_of(people["vera"]))[0] == 200
    assert answered() == before + 1
