"""The lines of the API guide as they stand there, run by a shell against a real server."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from curation.models import DatasetVersion, Pool, Project, User
from tests.api.conftest import carry_out, token_of
from tests.api.test_imports import line, package
from tests.doors.conftest import photo

GUIDE = Path(settings.BASE_DIR) / "docs" / "api.md"


@pytest.mark.django_db(transaction=True)
def test_every_line_of_the_guide_works(
    live_server: LiveServer, project: Project, pool: Pool, people: dict[str, User], tmp_path: Path
):
    (tmp_path / "hand.jpg").write_bytes(photo(70))
    (tmp_path / "openset.zip").write_bytes(package(line("0.jpg", "victory"), line("1.jpg", "victory")))
    (tmp_path / "guide.sh").write_text("set -euo pipefail\n" + "\n".join(examples()), encoding="utf-8")
    environ = {
        "PATH": os.environ["PATH"],
        "API": f"{live_server.url}/api/v1",
        "TOKEN": token_of(people["Alice"]),
        "SLUG": project.slug,
    }
    with (tmp_path / "said").open("w+") as said:
        shell = subprocess.Popen(
            ["bash", "guide.sh"], cwd=tmp_path, env=environ, stdout=said, stderr=subprocess.STDOUT, text=True
        )
        while shell.poll() is None:
            carry_out("freeze", "export", "import_dataset")
        said.seek(0)
        assert shell.returncode == 0, said.read()
        said.seek(0)
        assert "set.zip: OK" in said.read()
    pool.refresh_from_db()
    assert (pool.priority, DatasetVersion.objects.count()) == (7, 1)
    assert project.assets.filter(client_key="mine-1").count() == 1
    assert project.assets.filter(source="openset", licence="CC-BY-4.0").count() == 2


def examples() -> list[str]:
    found = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found, "the guide has lost its examples"
    return found
