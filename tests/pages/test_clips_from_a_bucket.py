"""Clips in a bucket are answered with the bucket's own address: the policy of the page must name its host."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from storages.backends.s3 import S3Storage

from curation.settings import env

KEYS = {"access_key": "key", "secret_key": "secret"}


@pytest.mark.parametrize(
    "url",
    [
        "s3://pictures/here?endpoint=http://127.0.0.1:9000",
        "s3://pictures",
        "s3://pictures?region=eu-central-1",
        "s3://dotted.name?region=eu-central-1",
    ],
)
def test_the_address_of_a_clip_is_among_the_hosts_we_allow(url: str):
    options = env.storage(url)["OPTIONS"]
    assert isinstance(options, dict)
    clip = urlsplit(S3Storage(**options, **KEYS).url("clip.mp4"))
    assert f"{clip.scheme}://{clip.netloc}" in env.storage_hosts(url)


def test_a_folder_needs_no_other_host():
    assert env.storage_hosts("file:///srv/winnow") == []


@pytest.mark.django_db
def test_a_page_allows_clips_from_the_bucket_and_nothing_else_from_there(settings):
    settings.MEDIA_HOSTS = ["https://bucket.example"]
    policy = Client().get(reverse("sign-in"))["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert "https://bucket.example" in rules.pop("media-src").split()
    assert "bucket.example" not in str(rules)
