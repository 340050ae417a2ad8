"""The kit is importable beside newer libraries, and nothing of it is imported before it is needed."""

import subprocess
import sys

import pytest

START = "import sys; sys.path.insert(0, '.'); "
DRIFTS = {
    "as pinned": "",
    "httpx 0.28": "import httpx._types; vars(httpx._types).pop('VerifyTypes', None)",
    "no setuptools": (
        "import importlib.machinery as m; real = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = classmethod(lambda c, n, *a: None if n == 'pkg_resources' else real(n, *a))"
    ),
    "cattrs 26": "import cattr; vars(cattr.converters)['BaseConverter'].__dict__; "
    "delattr(cattr.converters.BaseConverter, '_unstructure_enum')",
}
USE = """
import importlib.util as u
spec = u.spec_from_file_location('shim', 'crowd/platforms/toloka/shim.py')
shim = u.module_from_spec(spec); spec.loader.exec_module(shim)
shim.install(); shim.install()
client = shim.kit()
print(client.Pool.structure({'project_id': '1', 'status': 'OPEN'}).unstructure())
print(client.TolokaClient('t', url='http://127.0.0.1').url)
"""


def run(code: str, *flags: str) -> str:
    done = subprocess.run([sys.executable, *flags, "-c", START + code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("drift", DRIFTS)
def test_the_kit_works_beside_newer_libraries(drift):
    told = run(f"{DRIFTS[drift]}\n{USE}", "-W", "error::UserWarning")
    assert "'project_id': '1'" in told
    assert "'status': 'OPEN'" in told


def test_without_the_shim_a_newer_library_breaks_the_kit():
    """Else the tests above would prove nothing."""
    for drift in ("httpx 0.28", "no setuptools", "cattrs 26"):
        with pytest.raises(AssertionError, match="Error"):
            run(f"{DRIFTS[drift]}\nimport toloka.client")


def test_the_sdk_is_not_loaded_with_the_adapter():
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'curation.settings.test'\n"
        "import django; django.setup()\n"
        "from crowd.platforms.registry import elsewhere\n"
        "assert 'toloka' in elsewhere()\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'toloka'))"
    )
    assert run(code).strip() == "[]"
