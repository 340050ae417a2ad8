"""The script in the guide runs as it stands there."""

import os
import subprocess
import sys
from datetime import UTC, datetime

from crowd.emulators.toloka import TolokaEmulator, VirtualClock
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "toloka_emulator.py"


def test_the_example_of_the_guide_pays_a_worker() -> None:
    emulator = TolokaEmulator(seed="guide", clock=VirtualClock(datetime.now(UTC)))
    with emulator.serve() as served:
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", EXAMPLE, served.url],
            capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().endswith("is paid; left: 999.961")
    assert emulator.market.books.adds_up()


def test_it_is_served_below_a_path() -> None:
    import httpx

    with TolokaEmulator().serve(prefix="/emulators/toloka/demo") as served:
        answer = httpx.get(f"{served.url}/api/v1/requester", headers={"Authorization": f"OAuth {served.token}"})
    assert served.url.endswith("/emulators/toloka/demo")
    assert answer.is_success
