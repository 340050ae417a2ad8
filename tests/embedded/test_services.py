"""PostgreSQL and Redis start on anything a crash, a reboot or a stranger's folder leaves behind."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from curation.embedded import readiness, services
from curation.embedded.errors import ServiceError
from curation.embedded.keeper import Plan
from curation.embedded.paths import Paths
from curation.embedded.services import running_services

from .observe import eventually, is_new, keeper_pid, kill, postmaster, processes_of, redis_pid

QUICK = Plan(durable=False)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "var")


def redis_says(paths: Paths, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(paths.redis_socket))
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(1000).decode()


def test_a_fresh_folder_gets_both_servers_and_nothing_stays_behind(paths):
    with running_services(paths, QUICK) as running:
        assert running.answer()
    assert processes_of(paths.data_dir) == []


def test_a_second_command_joins_and_the_servers_outlive_the_first(paths):
    first = running_services(paths, QUICK)
    second = running_services(paths, QUICK)
    first.__enter__()
    server = postmaster(paths)
    running = second.__enter__()
    first.__exit__(None, None, None)
    assert running.answer()
    assert postmaster(paths) == server
    second.__exit__(None, None, None)
    assert processes_of(paths.data_dir) == []


def test_rows_survive_a_killed_postgresql_which_is_back_within_seconds(paths):
    with running_services(paths) as running:
        with readiness.connect(paths) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (42)")
        before = postmaster(paths)
        kill(before)
        assert eventually(lambda: running.answer() and is_new(postmaster, paths, before))
        with readiness.connect(paths) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)


def test_questions_that_a_killed_postgresql_was_busy_with_do_not_keep_it_from_starting(paths):
    with running_services(paths) as running, contextlib.ExitStack() as asked:
        for _ in range(6):
            connection = asked.enter_context(contextlib.closing(readiness.connect(paths)))
            connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
        before = postmaster(paths)
        kill(before)
        assert eventually(lambda: running.answer() and is_new(postmaster, paths, before))


def test_messages_survive_a_killed_redis_which_is_back_within_seconds(paths):
    with running_services(paths, QUICK) as running:
        assert redis_says(paths, "SET bell rung") == "+OK\r\n"
        kill(redis_pid(paths))
        assert eventually(running.answer)
        assert redis_says(paths, "GET bell").endswith("rung\r\n")


def test_a_killed_keeper_takes_both_servers_along_and_is_replaced(paths):
    with running_services(paths, QUICK) as running:
        before = keeper_pid(paths)
        servers = {postmaster(paths), redis_pid(paths)}
        kill(before)
        assert eventually(lambda: not servers & set(processes_of(paths.data_dir)))
        running.keeper.wait()
        running.tend()
        assert running.answer()
        assert keeper_pid(paths) != before


def test_a_killed_command_leaves_no_server_behind(paths):
    script = (
        "import sys; from pathlib import Path\n"
        "from curation.embedded.services import running_services\n"
        "from curation.embedded.paths import Paths\n"
        "with running_services(Paths(Path(sys.argv[1]))): print('running', flush=True); sys.stdin.read()\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", script, paths.data_dir], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert command.stdout.readline() == b"running\n"
    kill(command.pid)
    command.communicate()
    assert eventually(lambda: processes_of(paths.data_dir) == [])


@pytest.mark.parametrize("note", ["pg/data/postmaster.pid", "pg/s/.s.PGSQL.5432.lock"])
@pytest.mark.parametrize("content", ["", "{live}\n/somewhere\n"])
def test_an_empty_or_stale_note_of_who_runs_does_not_keep_postgresql_from_starting(paths, note, content):
    with running_services(paths, QUICK):
        pass
    (paths.data_dir / note).write_text(content.format(live=os.getpid()))
    with running_services(paths, QUICK) as running:
        assert running.answer()


def test_a_first_start_that_was_cut_off_is_begun_again(paths):
    half_made = paths.pg_data.with_name("data.new")
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with running_services(paths, QUICK) as running:
        assert running.answer()


def test_a_damaged_redis_log_is_put_aside_and_redis_starts_empty(paths):
    with running_services(paths, QUICK):
        for number in range(50):
            redis_says(paths, f"SET key{number} value")
    log = paths.redis_dir / "appendonly.aof"
    content = log.read_bytes()
    log.write_bytes(content[:300] + b"\x00garbage\xff" * 20 + content[500:])
    with running_services(paths, QUICK) as running:
        assert running.answer()
        assert redis_says(paths, "DBSIZE") == ":0\r\n"
    assert len(list(paths.redis_dir.glob("appendonly.aof.damaged-*"))) == 1


def test_a_data_folder_with_a_very_long_and_awkward_name_works(tmp_path):
    paths = Paths(tmp_path / ("long 'name\" " * 13))
    assert len(str(paths.data_dir)) > 150
    with running_services(paths, QUICK) as running:
        assert running.answer()
        assert stat.S_IMODE(paths.pg_socket_dir.stat().st_mode) == 0o700
    assert not paths.pg_socket_dir.exists()


def test_permissions_of_folders_above_are_left_alone(tmp_path):
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    with running_services(Paths(private / "var"), QUICK):
        pass
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_neither_server_listens_on_tcp(paths):
    with running_services(paths, QUICK):
        with readiness.connect(paths) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert "tcp_port:0" in redis_says(paths, "INFO server")
        assert stat.S_IMODE(paths.redis_socket.stat().st_mode) == 0o600


def test_data_of_another_major_version_is_refused_with_the_way_out(paths):
    with running_services(paths, QUICK):
        pass
    (paths.pg_data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServiceError, match=r"written by PostgreSQL 16.*pg_upgrade"), running_services(paths, QUICK):
        pytest.fail("it started")


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    paths = Paths(tmp_path / "file" / "var")
    with pytest.raises(ServiceError, match="cannot be written") as refusal, running_services(paths, QUICK):
        pytest.fail("it started")
    assert refusal.value.status == 2
    assert "\n" not in refusal.value.sentence


def test_a_full_disk_is_one_sentence_before_anything_is_started(paths, monkeypatch):
    monkeypatch.setattr(services, "LEAST_FREE_BYTES", 1 << 62)
    with pytest.raises(ServiceError, match="MB left"), running_services(paths, QUICK):
        pytest.fail("it started")
    assert processes_of(paths.data_dir) == []
