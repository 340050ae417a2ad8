"""Every run of the suite has a PostgreSQL and a Redis of its own in a throw-away folder."""

import math
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as invented

from curation.embedded.keeper import Plan
from curation.embedded.services import Services, running_services

ROOT = Path(__file__).resolve().parents[1]
LONG_MS = 600_000
PREFIX = f"winnow-test-{os.getuid()}-"

# What is under test is not how busy the machine is.
invented.register_profile("winnow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
invented.load_profile("winnow")

# A suite begun in the background of a script ignores Ctrl-C, and so would the programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def services() -> Iterator[Services]:
    """PostgreSQL and Redis where curation.settings.test looks for them."""
    from django.conf import settings

    _remove_leftovers()
    with running_services(settings.PATHS, Plan(durable=False)) as services:
        yield services
    shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def patience(services: Services) -> None:
    """Let questions that pages give up soon take their time: what is under test is not how busy the machine is.

    Work that is done in slices of seconds is done in one, unless a test wants more, and what took long is not kept
    for the next look.
    """
    from crowd.platforms.tagme_files import packages
    from crowd.services import files, pulling, vendor_files
    from curation.api import paging
    from curation.dashboard import asset_browser, model_pages
    from curation.engine import market
    from curation.services import evaluating, finding, redis_away, scenario_images, shared_cache, tag_counts, versions
    from curation.services.crawling import plans
    from curation.services.reviews import history
    from curation.stages import checks, tag

    checks.SECONDS_A_SLICE = tag.SECONDS_A_SLICE = LONG_MS / 1000
    packages.SECONDS_A_SLICE = vendor_files.SECONDS_AT_ONCE = pulling.SECONDS_AT_ONCE = LONG_MS / 1000
    market.SLICE = evaluating.SECONDS_A_RUN = plans.SECONDS_A_RUN = LONG_MS / 1000
    files.SECONDS_AT_ONCE = scenario_images.PAGE_SECONDS = LONG_MS / 1000
    scenario_images.COSTLY = shared_cache.LEAST_COST = math.inf
    finding.NAMES_MS = tag_counts.PATIENCE_MS = tag_counts.JOB_MS = model_pages.LOOK_MS = evaluating.LOOK_MS = LONG_MS
    redis_away.SECONDS, versions.LONGEST_SECONDS = 0.0, LONG_MS / 1000
    paging.LONGEST_MS = asset_browser.LONGEST_MS = history.LONGEST_MS = LONG_MS


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: Services) -> None:
    """Start the servers before pytest-django makes its test database."""


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The optional sample data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("WINNOW_SAMPLE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no sample data in {folder}: set WINNOW_SAMPLE_DATA")
    return folder


def _remove_leftovers() -> None:
    """Delete the folders of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX)
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
