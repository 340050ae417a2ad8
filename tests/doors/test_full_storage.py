"""A storage that is full is not the fault of the files."""

import errno

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from curation.models import Asset
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


def test_a_full_disk_ends_the_run_with_its_own_sentence(tmp_path, monkeypatch):
    Image.effect_noise((640, 480), 80).convert("RGB").save(tmp_path / "one.jpg")
    project = make_project(lead=make_user("Alice"))

    def full(name, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    with pytest.raises(CommandError, match="storage refused a file: No space left") as failure:
        call_command("ingest", project.slug, str(tmp_path))
    assert failure.value.returncode == 1
    assert not Asset.objects.filter(project=project).exists()
