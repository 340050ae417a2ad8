"""Filtered pages of 30 assets by REST over 100,000 and 1,000,000 rows: the first, and one deep in the list.

Run: .venv/bin/python -m tests.bench.api.pages [rows …]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

SIZES = (100_000, 1_000_000)
ROUNDS, DEEP_PAGES = 40, 200
FILTERS = {
    "everything": {},
    "state": {"state": "published"},
    "class and state": {"label_class": "sign-7", "state": "published"},
    "q: class, state, light": {"q": "class:sign-7 state:published light:low"},
    "q: iou<0.5, 1 in 1,000": {"q": "iou<0.5"},
}
AIM_CPU_MS, AIM_P95_MS = 15, 100


def measure(rows: int) -> dict[str, Any]:
    from django.test import Client
    from django.utils import timezone

    from curation.api import doors
    from curation.services.tokens import SCOPES, create_token
    from tests.bench.web import assets

    doors.ApiThrottle.rate = "1000000/min"
    project = assets.load(rows)
    lead = project.memberships.get().user
    token = create_token(user=lead, name="bench", scopes=SCOPES, all_projects=True, now=timezone.now())[1]
    client = Client(headers={"authorization": f"Bearer {token}"}, SERVER_NAME="localhost")
    found: dict[str, Any] = {}
    for name, narrow in FILTERS.items():
        wish = {"project": str(project.public_id), "limit": "30", **narrow}
        deep = deep_cursor(client, wish)
        first = assets.times(lambda wish=wish: page(client, wish), ROUNDS)
        later = assets.times(lambda wish=wish | {"cursor": deep}: page(client, wish), ROUNDS) if deep else {}
        found[name] = {"first": first, "deep": later}
        print(f"  {rows:>9,} {name:<24} first {first} deep {later}", file=sys.stderr, flush=True)
    return found


def page(client: Any, wish: dict[str, str]) -> Any:
    answer = client.get("/api/v1/assets", wish)
    assert answer.status_code == 200, answer.content
    return answer.json()


def deep_cursor(client: Any, wish: dict[str, str]) -> str:
    """Walk on in large pages and return a cursor of the page of 30 that begins there; empty for a short list."""
    cursor = ""
    for _ in range(DEEP_PAGES):
        following = page(client, wish | {"limit": "1000", "fields": "id"} | ({"cursor": cursor} if cursor else {}))[
            "next"
        ]
        if following is None:
            return cursor
        cursor = following
    return cursor


def main() -> int:
    """Measure one size, or each in a process of its own: a process has one database."""
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    if len(sizes) == 1:
        from tests.bench.ground import database

        with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
            print(json.dumps(measure(sizes[0])))
        return 0
    found: dict[str, Any] = {"aim": f"at most {AIM_CPU_MS} ms of processor time, p95 at most {AIM_P95_MS} ms"}
    for rows in sizes:
        command = [sys.executable, "-m", "tests.bench.api.pages", str(rows)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[f"{rows:,} rows"] = json.loads(done.stdout.strip().splitlines()[-1])
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
