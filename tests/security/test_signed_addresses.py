"""Pictures of tasks on other platforms: an address signed here shows its picture, and no other address does."""

from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from crowd.links import media_url
from tests.scenes import jpeg

pytestmark = pytest.mark.django_db


def test_a_picture_of_a_task_is_seen_by_its_own_signed_address_alone(client: Client):
    key, other = (default_storage.save(f"tasks/{name}.jpg", ContentFile(jpeg())) for name in ("one", "two"))
    seen = urlsplit(media_url(key)).path
    assert client.get(seen).status_code == 200
    signature = seen.rpartition(":")[2]
    forged = ("", ":", f":{'A' * len(signature)}", f":{signature[:-1]}", f":{signature}A")
    for token in (*(key + end for end in forged), f"{other}:{signature}"):
        assert client.get(reverse("x-media", args=[token])).status_code == 404, token
