"""The compose file: what it passes on starts the product; its commands are those of the image. No docker is needed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
GUIDE = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")
OURS = ("web", "worker", "beat", "migrate", "bucket")


def guides_env() -> dict[str, str]:
    """Run the guide's own lines that write docker/.env."""
    lines = re.search(r"cat > \.env <<END\n(.*?)END\n", GUIDE, re.DOTALL)
    assert lines
    text = subprocess.run(["sh", "-c", f"cat <<END\n{lines[1]}END"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in text.splitlines())


def passed_on(service: str, given: dict[str, str]) -> dict[str, str]:
    """Fill a service's environment as compose does; a variable that is missed is a KeyError with its name."""

    def value(found: re.Match[str]) -> str:
        name, how, usual = found.groups()
        return given.get(name) or (usual if how == "-" else given[name])

    return {key: VARIABLE.sub(value, str(text)) for key, text in COMPOSE["services"][service]["environment"].items()}


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    found = passed_on("web", guides_env())
    return {**found, "PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}


def start(surroundings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    code = "import curation.settings.production as s; print(s.FIELD_KEYS[0], s.REQUIRE_TWO_FACTOR)"
    return subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=False)


def test_what_the_guide_writes_down_is_all_that_production_asks_for(surroundings):
    surroundings["REQUIRE_TWO_FACTOR"] = "leads"
    first, second = start(surroundings), start({**surroundings, "DATA_DIR": surroundings["DATA_DIR"] + "/another"})
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout == f"{surroundings['FIELD_KEYS']} leads\n"


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_KEYS", "ALLOWED_HOSTS"])
def test_without_a_secret_that_all_processes_share_nothing_starts(surroundings, name):
    del surroundings[name]
    done = start(surroundings)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"winnow: {name}")


def test_no_secret_stands_in_the_file_and_each_that_is_needed_is_asked_for():
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    demanded = {name for name, how, _ in VARIABLE.findall(text) if how == "?"}
    assert demanded == set(guides_env())
    assert not re.search(r"(KEY|SECRET|PASSWORD)\w*: (?!\$\{)\S", text)


def test_every_setting_that_the_guide_lists_for_production_can_be_given():
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))
    fixed = {"DATA_DIR", "HOST", "PORT", "DJANGO_SETTINGS_MODULE"}  # by the image
    elsewhere = {"KEEP_BACKUPS", "TAGGERS", "SOURCE_BUCKETS"}  # need a volume, or keys of their own
    assert table - fixed - elsewhere <= set(COMPOSE["services"]["web"]["environment"])


@pytest.mark.parametrize("name", OURS)
def test_each_of_our_services_is_locked_down_and_stops_in_time(name):
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"], service["stop_grace_period"]) == (True, ["ALL"], "40s")
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_volumes_have_fixed_names_and_services_wait_for_those_there_are():
    assert {one["name"] for one in COMPOSE["volumes"].values()} == {"winnow-database", "winnow-redis", "winnow-objects"}
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        assert {one.split(":")[0] for one in service.get("volumes", ())} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize(
    ("role", "program"),
    [
        ("web", "-m uvicorn curation.asgi:application --host 0.0.0.0 --port 8000 --workers 2"),
        ("worker", "-m celery -A curation.celery:app worker -Q default,pixels,push,pull,exports --concurrency 2"),
        ("beat", "-m celery -A curation.celery:app beat"),
        ("migrate", "manage.py migrate --noinput"),
        ("doctor", "manage.py doctor"),
    ],
)
def test_the_image_runs_what_its_role_names(tmp_path, role, program):
    """`docker/role` with a python that only says what it was asked for."""
    told = tmp_path / "python"
    told.write_text('#!/bin/sh\necho "$*"\n', encoding="utf-8")
    told.chmod(0o700)
    copy = tmp_path / "docker" / "role"
    copy.parent.mkdir()
    shutil.copy(ROOT / "docker" / "role", copy)
    done = subprocess.run(
        [copy, role],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].startswith(program)


def test_files_that_the_image_and_the_services_name_are_there():
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert (ROOT / COMPOSE["services"]["bucket"]["entrypoint"][1]).is_file()
    assert (ROOT / COMPOSE["services"]["web"]["healthcheck"]["test"][2]).is_file()
    assert 'ENTRYPOINT ["tini", "--", "/srv/winnow/docker/role"]' in dockerfile
    assert "USER winnow" in dockerfile
