"""A database as an earlier release left it, with money in it and a pool that is open, is upgraded: nothing is lost.

`earlier_release.sql.gz` is what `pg_dump` wrote of that release (curation 0028, crowd 0012) after `./winnow rehearse
gestures --seed 7 --size 2`.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from curation.embedded import readiness
from curation.embedded.keeper import Plan
from curation.embedded.paths import Paths
from curation.embedded.services import running_services
from tests.operation.test_operator import run

pytestmark = pytest.mark.faults
EARLIER = Path(__file__).with_name("earlier_release.sql.gz")
COUNTED_ANEW = {"django_migrations", "django_content_type", "auth_permission"}  # they list what a release consists of
SUMS = "crowd_tally"  # a release that counts something more adds its sums of all rows to those there are
REOPENED = (
    "UPDATE curation_pool SET state = 'open' WHERE id = 1; UPDATE crowd_batch SET state = 'open' WHERE pool_id = 1"
)
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
BOOKS = (
    "SELECT source, target, currency, count(*), sum(amount_micro) FROM crowd_ledgerentry"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
PAGES_BY_WORKER = (
    "SELECT 'given.' || worker_id, count(*) FROM crowd_assignment GROUP BY worker_id"
    " UNION ALL SELECT 'accepted.' || worker_id, count(*) FROM crowd_assignment WHERE state = 'accepted'"
    " GROUP BY worker_id ORDER BY 1"
)
KEPT_BY_WORKER = (
    "SELECT word, sum(n) FROM crowd_tally WHERE of_kind = 'workers' AND word !~ '^earned' GROUP BY word ORDER BY 1"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation whose servers run, with the tables and rows of the earlier release."""
    home = tmp_path_factory.mktemp("earlier") / "var"
    with running_services(Paths(home), Plan(durable=False)):
        with readiness.connect(Paths(home)) as connection:
            connection.execute(gzip.decompress(EARLIER.read_bytes()))
            connection.execute(f"SET search_path TO public; {REOPENED}".encode())
        yield home


def rows(home: Path) -> dict[str, int]:
    with readiness.connect(Paths(home)) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall() if name not in COUNTED_ANEW]
        count = sql.SQL("SELECT count(*) FROM {}")
        return {name: connection.execute(count.format(sql.Identifier(name))).fetchone()[0] for name in names}


def answers(home: Path, question: str) -> list[tuple[object, ...]]:
    with readiness.connect(Paths(home)) as connection:
        return connection.execute(question).fetchall()


def test_an_earlier_release_with_money_and_an_open_pool_is_upgraded_and_loses_nothing(home: Path):
    before, money = rows(home), answers(home, BOOKS)
    assert before["crowd_assignment"] == 30
    assert money

    asked = run(home, "upgrade", "--check")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert "curation.0029_price_trials_and_pairs" in asked.stdout
    assert rows(home) == before, "the check changes nothing"

    upgraded = run(home, "migrate")
    assert upgraded.returncode == 0, upgraded.stderr
    after = rows(home)
    assert {name: after.get(name) for name in before.keys() - {SUMS}} == {
        name: kept for name, kept in before.items() if name != SUMS
    }
    assert after[SUMS] >= before[SUMS]
    assert answers(home, KEPT_BY_WORKER) == answers(home, PAGES_BY_WORKER)
    assert answers(home, BOOKS) == money
    assert "none is waiting" in run(home, "upgrade", "--check").stdout
    assert answers(home, "SELECT state FROM curation_pool WHERE id = 1") == [("open",)]
