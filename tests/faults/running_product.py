"""The real product under `up` while its parts are killed, frozen and doubled: every picture is looked at just once.

`make chaos` runs this with more pictures (`CHAOS_PICTURES`) and jobs (`CHAOS_JOBS`); beside what the suite prints it
tells what each of them measured: how long something was away, and how much was done again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import pytest

from curation.embedded.paths import Paths
from tests.embedded.observe import eventually, is_new, keeper_pid, kill, postmaster, redis_pid
from tests.embedded.running import ROOT, family, role_pid, role_pids
from tests.faults.pictures import LONG, Intake, picture
from tests.faults.sides import Product, running
from tests.faults.visitor import Visitor

pytestmark = pytest.mark.faults
SETTINGS = "tests.faults.breakable"
PICTURES = int(os.environ.get("CHAOS_PICTURES", "30"))
HARMLESS = int(os.environ.get("CHAOS_JOBS", "60"))
MOST_ADDED, MOST_TO_STOP = 1.0, 30.0  # seconds
BREAKING = ("is_killed", "reads_nowhere", "has_no_memory")

MAKE_JOBS = """
from curation.services import jobs
for number in range({n}):
    jobs.enqueue(kind="is_harmless", key=str(number))
    if number in {places}:
        jobs.enqueue(kind={places}[number], key="one")
print("null")
"""
MAKE_TOKEN = """
import json
from crowd.clock import database_now
from curation.models import Membership, Project, User
from curation.services.tokens import SCOPES, create_token
user, _ = User.objects.get_or_create(email="alice@example.org", defaults={{"name": "Alice"}})
Membership.objects.get_or_create(project=Project.objects.get(slug={slug!r}), user=user, defaults={{"role": "lead"}})
made = create_token(user=user, name="faults", scopes=SCOPES, all_projects=True, now=database_now())
print(json.dumps([made[1], str(Project.objects.get(slug={slug!r}).public_id)]))
"""
RING_ALL_TWICE_BACKWARDS = """
from curation.models import Job
from curation.services import bell
backwards = list(Job.objects.order_by("-pk").values_list("pk", "queue"))
for pk, queue in 2 * backwards:
    bell.ring(pk, queue)
print(2 * len(backwards))
"""
TICKS = "SELECT count(*) FROM curation_tick WHERE name NOT LIKE 'harmless-%%'"
SECONDS_TO_THE_LAST_TRY = (
    "SELECT kind, round(extract(epoch FROM started_at - created_at), 1)::float FROM curation_job WHERE state = 'dead'"
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> object:
    return tmp_path_factory.mktemp("chaos") / "var"


@pytest.fixture(scope="module")
def ours(data_dir) -> Iterator[Product]:
    with running(data_dir, SETTINGS) as (product, _):
        yield product


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Say something past the capture of output, so that it stands beside the names of the tests."""

    def said(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return said


def thaw(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_jobs_that_break_their_process_end_dead_and_all_others_are_done_once(ours: Product, tell):
    worker = role_pid(ours.data_dir, "worker")
    places = {HARMLESS * (n + 1) // 4: kind for n, kind in enumerate(BREAKING)}
    ours.shell(MAKE_JOBS.format(n=HARMLESS, places=places))
    state = "SELECT count(*) FROM curation_job WHERE kind = ANY(%s) AND state = %s"
    assert eventually(lambda: ours.one(state, ["is_harmless"], "done") == HARMLESS, seconds=LONG)
    assert ours.one("SELECT count(*) FROM curation_tick WHERE name LIKE 'harmless-%%'") == HARMLESS
    assert eventually(lambda: ours.one(state, list(BREAKING), "dead") == len(BREAKING), seconds=LONG)
    told = ours.rows("SELECT crashes, last_error FROM curation_job WHERE state = 'dead'")
    assert told == [(3, "Its process died 3 times.")] * len(BREAKING)
    assert "dead" in ours.manage("jobs")
    assert role_pid(ours.data_dir, "worker") == worker, "a job ended the worker, not its own process alone"
    tries = dict(ours.rows(SECONDS_TO_THE_LAST_TRY))
    tell(f"{HARMLESS} harmless jobs done once; seconds until the last try of the others: {tries}")


def test_a_frozen_redis_keeps_no_request_and_one_killed_without_its_file_loses_nothing(ours: Product, tell):
    paths, intake = Paths(ours.data_dir), Intake(ours, "redis")
    n = intake.bring(PICTURES, seed=1)
    token, project = ours.shell(MAKE_TOKEN.format(slug=intake.name))
    upload(ours, token, project, 90)  # the first one fills caches
    usual = [upload(ours, token, project, number) for number in range(91, 94)]
    frozen = redis_pid(paths)
    os.kill(frozen, signal.SIGSTOP)
    try:
        slow = [upload(ours, token, project, number) for number in range(94, 97)]
    finally:
        (paths.redis_dir / "appendonly.aof").unlink()
        os.kill(frozen, signal.SIGKILL)
    assert eventually(lambda: is_new(redis_pid, paths, frozen), seconds=60)
    intake.wait()
    assert intake.wrong(n + 7) == []
    added = max(slow) - min(usual)
    tell(f"seconds of an upload: {usual}, with a frozen Redis: {slow}")
    assert added <= MOST_ADDED


def upload(ours: Product, token: str, project: str, number: int) -> float:
    """Bring one picture by the API; return the seconds it took."""
    began = time.monotonic()
    answer = httpx.post(
        f"http://127.0.0.1:{ours.port}/api/v1/projects/{project}/assets",
        headers={"Authorization": f"Bearer {token}"},
        files={"file": ("noise.png", picture(number), "image/png")},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    return round(time.monotonic() - began, 2)


def test_while_the_database_is_away_pages_say_so_and_nothing_is_lost_or_restarted(ours: Product, tell):
    paths, intake = Paths(ours.data_dir), Intake(ours, "database")
    assert eventually(lambda: len(supervised(ours)) == 4 and all(supervised(ours)))
    before = supervised(ours)
    n = intake.bring(PICTURES, seed=2)
    token, _ = ours.shell(MAKE_TOKEN.format(slug=intake.name))
    visitor = Visitor(ours, ours.manage("sign_in_link", "alice@example.org").split()[-1], token)
    visitor.start()
    assert visitor.inside.wait(60)
    for number in (signal.SIGQUIT, signal.SIGKILL):
        server, began = postmaster(paths), time.monotonic()
        os.kill(server, number)
        assert eventually(lambda server=server: is_new(postmaster, paths, server), seconds=60)
        served = visitor.served_since(time.monotonic())
        tell(f"{number.name}: a page came again {served - began:.1f} s later")
        intake.wait(lambda: intake.count() == n)
    os.kill(first_of(ours, "SELECT pid FROM pg_stat_activity WHERE application_name = 'winnow'"), signal.SIGKILL)
    intake.wait()
    visitor.served_since(time.monotonic())
    visitor.left.set()
    visitor.join()
    assert visitor.error is None
    statuses = Counter(one.status for one in visitor.seen)
    longest = max(one.ended - one.began for one in visitor.seen)
    tell(f"pages by status: {dict(statuses)}; the longest took {longest:.1f} s")
    assert statuses.keys() <= {200, 429, 503}
    assert supervised(ours) == before
    assert intake.wrong(n) == []


def supervised(ours: Product) -> list[int]:
    """Return the processes that the supervisor started; those of the worker's pool come and go."""
    return [*role_pids(ours.data_dir, "web"), *(role_pid(ours.data_dir, role) for role in ("worker", "beat"))]


def first_of(ours: Product, query: str) -> int:
    """Return the first number that is found, as soon as there is one."""
    found: list[tuple[int]] = []
    assert eventually(lambda: found.extend(ours.rows(query)) or found, seconds=LONG)
    return found[0][0]


def test_a_worker_that_freezes_past_its_lease_decides_nothing_when_it_thaws(ours: Product, tell):
    holder = (
        "SELECT split_part(leased_by, '/', 2)::int FROM curation_job WHERE kind = 'work_stage' AND state = 'running'"
    )
    intake = Intake(ours, "frozen")
    n = intake.bring(PICTURES, seed=3)
    frozen = first_of(ours, holder)
    began = time.monotonic()
    os.kill(frozen, signal.SIGSTOP)
    try:
        intake.wait()
    finally:
        thaw(frozen)
    tell(f"others did the work of {n} pictures within {time.monotonic() - began:.1f} s of the freeze")
    assert intake.bring(3, seed=30) == n + 3
    intake.wait()
    assert intake.wrong(n + 3) == []


def test_two_clocks_two_workers_and_every_message_three_times_do_nothing_twice(ours: Product, tell):
    intake, rung = Intake(ours, "doubled"), []
    with doubled(ours, "worker"), doubled(ours, "beat"):
        n = intake.bring(PICTURES, seed=4)
        intake.wait(lambda: intake.is_through() or rung.append(ours.shell(RING_ALL_TWICE_BACKWARDS)))
    tell(f"{n} pictures, {sum(rung)} messages too many, {ours.one(TICKS)} ticks of two clocks")
    assert intake.wrong(n) == []
    twice = "SELECT count(*) FROM (SELECT 1 FROM curation_tick GROUP BY name, slot HAVING count(*) > 1) t"
    assert ours.one(twice) == 0


@contextlib.contextmanager
def doubled(ours: Product, role: str) -> Iterator[None]:
    """Run a second process of a role beside the one that the supervisor keeps."""
    command = (sys.executable, "-m", "celery", "-A", "curation.celery:app", role)
    options = {
        "worker": ("-Q", "default,pixels,push,pull,exports", "--concurrency", "2", "-n", "second@%h"),
        "beat": ("--scheduler", "celery.beat:Scheduler", "--pidfile="),
    }
    with subprocess.Popen(
        [*command, *options[role]], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**ours.environment(), "WINNOW_ROLE": role},
    ) as second:  # fmt: skip
        try:
            yield
        finally:
            second.terminate()
            second.wait(60)


def test_asked_to_stop_at_full_work_it_ends_and_goes_on_where_it_was(tmp_path, tell):
    with running(tmp_path / "var", SETTINGS) as (ours, process):
        intake = Intake(ours, "stopped")
        n = intake.bring(2 * PICTURES, seed=5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LONG) == 0
        seconds = time.monotonic() - began
        tell(f"stopped after {seconds:.1f} s")
        assert seconds <= MOST_TO_STOP
        assert family(ours.data_dir) == []
    with running(tmp_path / "var", SETTINGS) as (ours, _):
        intake = Intake(ours, "stopped")
        intake.wait()
        assert intake.wrong(n) == []


def test_after_a_kill_of_everything_up_serves_again(tmp_path, tell):
    with running(tmp_path / "var", SETTINGS) as (ours, process):
        paths = Paths(ours.data_dir)
        for pid in (process.pid, keeper_pid(paths), postmaster(paths), redis_pid(paths)):
            kill(pid)
        process.wait()
        assert eventually(lambda: family(ours.data_dir) == [], seconds=60)
    began = time.monotonic()
    with running(tmp_path / "var", SETTINGS) as (ours, _):
        assert httpx.get(f"http://127.0.0.1:{ours.port}/readyz", timeout=60, trust_env=False).status_code == 200
        tell(f"ready {time.monotonic() - began:.1f} s after it was started again")
