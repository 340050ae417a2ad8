"""Many files at once: whole or not at all, one asset a key, and what a crash has left half is made whole."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from crowd.errors import StorageRefused
from curation.models import Asset, AssetPreview, Project, Stage
from curation.preprocessing.limits import Unreadable
from curation.services import previews, taking_many
from curation.services.ingest import Incoming, Taken
from tests.doors.conftest import photo
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def stage(project: Project) -> Stage:
    """A stage that measures nothing by itself."""
    return project.stages.get(kind="validate")


def take(project: Project, stage: Stage, *files: tuple[str, bytes]) -> list[Taken | Unreadable]:
    incoming = [Incoming(key, data, "API", client_key=key) for key, data in files]
    return taking_many.take_many(project=project, stage=stage, incoming=incoming, now=timezone.now())


def stored() -> set[str]:
    found = set()
    for folder in ("originals", "thumb", "screen", "grey"):
        if default_storage.exists(folder):
            found |= {f"{folder}/{name}" for name in default_storage.listdir(folder)[1]}
    return found


def test_measurements_and_copies_come_with_the_rows_and_what_lacks_them_is_made_whole(project: Project, stage: Stage):
    files = [("a", photo(1)), ("b", photo(2))]
    take(project, stage, *files)
    assert AssetPreview.objects.filter(asset__project=project).count() == 2
    whole = Asset.objects.get(client_key="a")
    assert (whole.width, whole.height, whole.hash256 is not None) == (320, 200, True)
    AssetPreview.objects.filter(asset=whole).delete()
    Asset.objects.filter(pk=whole.pk).update(hash256=None)
    assert [one.is_new for one in take(project, stage, *files) if isinstance(one, Taken)] == [False, False]
    mended = Asset.objects.select_related("preview").get(client_key="a")
    assert bytes(mended.hash256 or b"") == bytes(whole.hash256 or b"-")
    assert default_storage.exists(mended.preview.thumb_key)


def test_a_failure_leaves_neither_rows_nor_files(project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch):
    before, calls = stored(), iter([previews.store_copies])

    def full(copies: Any) -> dict[str, str]:
        store = next(calls, None)
        if store is None:
            raise OSError("No space left")
        return store(copies)

    monkeypatch.setattr(previews, "store_copies", full)
    with pytest.raises(StorageRefused, match="No space left"):
        take(project, stage, ("a", photo(1)), ("b", photo(2)))
    assert not Asset.objects.filter(project=project).exists()
    assert stored() == before


@pytest.mark.django_db(transaction=True)
def test_two_that_bring_other_bytes_under_one_key_at_once_get_one_asset_and_leave_no_file(
    project: Project, stage: Stage
):
    def second() -> list[Taken | Unreadable]:
        try:
            return take(project, stage, ("a", photo(2)))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            (first,) = take(project, stage, ("a", photo(1)))
            before = stored()
            answer = other.submit(second)
            with pytest.raises(TimeoutError):
                answer.result(timeout=1)
        (late,) = answer.result(timeout=120)
    assert isinstance(first, Taken)
    assert late == Taken(first.asset, is_new=False)
    assert stored() == before
