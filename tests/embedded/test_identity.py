"""PostgreSQL refuses to be root: in a user namespace, as another user, or not at all, with a sentence."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from curation.embedded import postgres, readiness
from curation.embedded.errors import ServiceError
from curation.embedded.keeper import Plan
from curation.embedded.paths import Paths
from curation.embedded.processes import Child
from curation.embedded.services import make_folders, running_services

from .observe import eventually, processes_of

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def open_folder():
    """A folder that other users can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_as_nobody(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def python_of_nobody(folder: Path) -> str:
    """Return a Python that nobody may run with our packages, or skip."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            finished = run_as_nobody(python, "-c", "import psycopg, curation.embedded.services", folder=folder)
        except OSError:
            continue
        if finished.returncode == 0:
            return python
    pytest.skip("no Python here that an ordinary user may run with the project's packages")


@root_only
def test_root_gets_servers_whose_files_stay_its_own(tmp_path):
    paths = Paths(tmp_path / "var")
    with running_services(paths, Plan(durable=False)) as running:
        assert running.answer()
        assert paths.pg_data.stat().st_uid == 0


@root_only
def test_an_ordinary_user_gets_servers_too(open_folder):
    paths = Paths(open_folder / "var")
    python = python_of_nobody(open_folder)
    os.chown(open_folder, NOBODY, NOBODY)
    script = (
        "import sys; from pathlib import Path\n"
        "from curation.embedded.services import running_services\n"
        "from curation.embedded.paths import Paths\n"
        "with running_services(Paths(Path(sys.argv[1]))) as running: print(running.answer())\n"
    )
    finished = run_as_nobody(python, "-c", script, paths.data_dir, folder=open_folder)
    assert finished.stdout == "True\n", finished.stderr
    assert paths.pg_data.stat().st_uid == NOBODY
    assert processes_of(paths.data_dir) == []


@root_only
def test_without_user_namespaces_root_lets_an_unprivileged_user_run_the_server(open_folder, monkeypatch):
    monkeypatch.setattr(postgres, "NAMESPACE", ("false",))
    paths = Paths(open_folder / "var")
    make_folders(paths)
    try:
        child = Child(postgres.prepare(paths, 60, durable=False))
    except ServiceError as refusal:
        pytest.skip(f"the server's files cannot be reached by another user here: {refusal.sentence}")
    child.start()
    try:
        assert eventually(lambda: readiness.ensure_database(paths))
        assert paths.pg_data.stat().st_uid == NOBODY
    finally:
        child.signal(child.program.stop_signal)
        assert child.wait(120)


@root_only
def test_when_neither_works_root_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "NAMESPACE", ("false",))
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    paths = Paths(private / "var")
    make_folders(paths)
    with pytest.raises(ServiceError, match="run Winnow as an ordinary user, or set DATABASE_URL") as refusal:
        postgres.prepare(paths, 60, durable=False)
    assert refusal.value.status == 2
