"""The same pages of 30 by Label Studio 1.23, from an environment of its own: PEERS names its Python.

Its server runs with its own SQLite; what it and its children use of the processor is read from /proc.
Run: PEERS=/elsewhere/bin/python .venv/bin/python -m tests.bench.api.label_studio [tasks]
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.bench.api.uploads import processor_seconds_of

TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
ROUNDS, AT_ONCE, PATIENCE = 20, 1_000, 240.0
CONFIG = """<View><Image name="image" value="$image"/><Choices name="sign" toName="image">
<Choice value="yes"/><Choice value="no"/></Choices></View>"""
MAIL, TOKEN = "bench@example.org", secrets.token_hex(20)


@contextmanager
def server(python: str, folder: str) -> Iterator[tuple[httpx.Client, int]]:
    """Start Label Studio on a free port and wait until it answers; give a client and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(python).parent / "label-studio"), "start", "--no-browser", "--port", str(port)]
    command += ["--data-dir", folder, "--username", MAIL, "--password", TOKEN[:12], "--user-token", TOKEN]
    environment = {**os.environ, "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "false"}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    client = httpx.Client(base_url=address, headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE)
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(client):
            if time.monotonic() > end or running.poll() is not None:
                raise RuntimeError("Label Studio did not start")
            time.sleep(0.5)
        yield client, running.pid
    finally:
        running.terminate()
        running.wait(30)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/api/projects").status_code == 200
    except httpx.HTTPError:
        return False


def measure(client: httpx.Client, pid: int) -> dict[str, Any]:
    project = _made(client.post("/api/projects", json={"title": "bench", "label_config": CONFIG}))["id"]
    before, began = processor_seconds_of(pid), time.perf_counter()
    for start in range(0, TASKS, AT_ONCE):
        rows = [task(number) for number in range(start, start + AT_ONCE)]
        _made(client.post(f"/api/projects/{project}/import", json=rows))
    imported = {
        "tasks": TASKS,
        "seconds": round(time.perf_counter() - began, 1),
        "processor seconds": round(processor_seconds_of(pid) - before, 1),
    }
    wanted = {"filter": "filter:tasks:data.sign", "operator": "equal", "value": "sign-7", "type": "String"}
    filters = {"conjunction": "and", "items": [wanted]}
    view = _made(client.post("/api/dm/views", json={"project": project, "data": {"filters": filters}}))["id"]
    last = TASKS // 18 // 30
    return {
        "import": imported,
        "filtered page of 30": pages(client, pid, view, 1),
        "the same, deep": pages(client, pid, view, last),
    }


def task(number: int) -> dict[str, str]:
    return {"image": f"https://pictures.example/{number}.jpg", "sign": f"sign-{number % 18}"}


def pages(client: httpx.Client, pid: int, view: int, number: int) -> dict[str, float]:
    took, before = [], 0.0
    for turn in range(ROUNDS + 1):
        if turn == 1:  # the first, cold call is left out
            before = processor_seconds_of(pid)
        began = time.perf_counter()
        _made(client.get("/api/tasks", params={"view": view, "page": number, "page_size": 30}))
        took.append(1000 * (time.perf_counter() - began))
    used = processor_seconds_of(pid) - before
    return {
        "p50_ms": round(statistics.median(took[1:]), 1),
        "p95_ms": round(sorted(took[1:])[int(0.95 * ROUNDS)], 1),
        "cpu_ms": round(1000 * used / ROUNDS, 1),
    }


def _made(answer: httpx.Response) -> Any:
    if answer.status_code >= 300:
        raise RuntimeError(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def main() -> int:
    python = os.environ.get("PEERS", "")
    if not python or not (Path(python).parent / "label-studio").exists():
        print(json.dumps({"skipped": "not installed: name the Python of an environment that has it with PEERS="}))
        return 0
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder, server(python, folder) as (client, pid):
        print(json.dumps(measure(client, pid)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
