"""The asset browser over a million assets: server time of pages and counts, and a browser that scrolls through them.

Run: nice -n 10 .venv/bin/python tests/bench/web/assets.py [assets] [rounds]

Beside the time on the clock stands the processor time of the process and of its database: what a busy machine does not
change.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

ASSETS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
WORKERS, THUMBS, SCROLL_SECONDS = 5_000, 24, 12
AIM_PAGE_MS, AIM_NODES, AIM_FRAME_MS = 100, 3_000, 33.4
QUERIES = {
    "everything": "",
    "state:published": "state:published",
    "class and light": "class:sign-7 light:low",
    "four conditions": "class:sign-3,sign-4 state:published light:normal -blur:blurred",
    "iou<0.5, rare": "iou<0.5",
    "tag, 3 in 100": "tag:night",
    "one worker": "worker:w_{worker}",
    "one day": "created:2026-10-18",
    "reason, 1 in 1,000": "reason:template_copy",
    "nothing fits": "state:published reason:blurred",
    "name, nothing fits": "name:unheard-of",
}
LOAD = """
INSERT INTO crowd_worker (account_id, ext_id, ext_digest, name, language, country, only_projects, consent_version,
                          is_adult, first_seen)
SELECT %(account)s, 'bench-' || n, substring(sha256(('w' || n)::bytea) FOR 16), '', 'en', '', '{}', '', true, now()
FROM generate_series(1, %(workers)s) n;
INSERT INTO curation_asset (project_id, media, name, worker_id, label_class_id, stage_id, state, reason, source,
                            licence, width, height, bytes, sha256, sharpness, brightness, contrast,
                            storage_key, created_at)
SELECT %(project)s, 'image', 'IMG_' || n || '.jpg', %(worker)s + n %% %(workers)s, %(label)s + n %% 18,
       CASE WHEN h < 64 THEN %(publish)s WHEN h < 90 THEN %(checks)s ELSE %(validate)s END,
       CASE WHEN h < 60 THEN 'published' WHEN h < 64 THEN 'waiting' WHEN h < 98 THEN 'dropped' ELSE 'held' END,
       CASE WHEN h < 64 THEN '' WHEN n %% 359 = 7 THEN 'template_copy' WHEN h < 80 THEN 'same_photo'
            WHEN h < 90 THEN 'low_resolution' ELSE 'incorrect' END,
       '', '', 1280 + 640 * (n %% 3), 720 + 360 * (n %% 3), 400000 + n, sha256(n::text::bytea),
       n * 7919 %% 400, 30 + n * 104729 %% 180, 40, 'bench/' || n,
       timestamptz '2026-09-28' + n * interval '36 days' / %(n)s
FROM (SELECT n, abs(hashint8(n)) %% 100 AS h FROM generate_series(1, %(n)s::bigint) n) AS drawn;
INSERT INTO curation_assetpreview (asset_id, thumb_key, screen_key, grey_key, camera)
SELECT id, 'bench/' || id %% %(thumbs)s || '.webp', '', '', '{}' FROM curation_asset WHERE project_id = %(project)s;
INSERT INTO curation_consensus (project_id, asset_id, stage_id, version, inputs, method, settings, status, label,
                                confidence, expected_loss, reason, lowest_iou, n_answers, used, dropped, trace,
                                is_current)
SELECT %(project)s, id, %(validate)s, 1, '[]', 'hard-soft-drop', '{}', 'hard', '', 0.9, 0, '',
       CASE WHEN abs(hashint8(id + 7)) %% 500 = 3 THEN 0.45 ELSE 0.72 + (id %% 28) / 100.0 END, 5, '[]', '[]', '[]',
       true
FROM curation_asset WHERE project_id = %(project)s AND state = 'published';
INSERT INTO curation_consensusbox (consensus_id, seq, label, x, y, w, h, confidence, support)
SELECT id, 0, 'gesture', 0.4, 0.3, 0.2, 0.3, 0.9, '[]' FROM curation_consensus WHERE project_id = %(project)s;
INSERT INTO curation_tagrun (project_id, asset_id, tagger, version, is_current, seconds)
SELECT %(project)s, id, 'clock', '1', true, 0 FROM curation_asset WHERE project_id = %(project)s AND id %% 4 = 0;
INSERT INTO curation_assettag (run_id, project_id, asset_id, key, value, source, score)
SELECT id, %(project)s, asset_id, 'time of day', CASE WHEN asset_id %% 33 = 0 THEN 'night' ELSE 'day' END, 'rule', 1
FROM curation_tagrun WHERE project_id = %(project)s;
"""


def load(n: int) -> Any:
    """Make the project and its rows by statements of the database alone."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.db import connection

    from crowd.models import Worker
    from curation.models import Asset, LabelClass
    from tests.bench.ground import thumb
    from tests.factories import make_account, make_project, make_user

    project = make_project("A million", lead=make_user("Alice"))
    LabelClass.objects.filter(project=project).delete()
    for number in range(18):
        LabelClass.objects.create(project=project, index=number, name=f"sign-{number}")
    for number in range(THUMBS):
        default_storage.save(f"bench/{number}.webp", ContentFile(thumb(number)))
    stages = {stage.name: stage.pk for stage in project.stages.all()}
    before = Worker.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    label = project.classes.order_by("pk").values_list("pk", flat=True).first()
    values = {"project": project.pk, "account": make_account().pk, "n": n, "workers": WORKERS, "thumbs": THUMBS}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in LOAD.strip().removesuffix(";").split(";\n"):
            cursor.execute(statement, values | stages | {"worker": before + 1, "label": label})
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
    assert Asset.objects.filter(project=project).count() == n
    return project


def times(work: Callable[[], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Return p50 and p95 in milliseconds, and the mean processor time; the first, cold call is left out."""
    from tests.bench.ground import processor_seconds

    work()
    took, before = [], processor_seconds()
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    return {
        "p50_ms": round(statistics.median(took), 1),
        "p95_ms": round(sorted(took)[int(0.95 * rounds)], 1),
        "cpu_ms": round(1000 * (processor_seconds() - before) / rounds, 1),
    }


def count_now(project: Any) -> None:
    """Do the counting jobs that are due."""
    from crowd.clock import database_now
    from curation.services import jobs

    while ids := jobs.due_ids(now=database_now(), project_id=project.pk, kinds=("count_assets",)):
        for job_id in ids:
            jobs.run(job_id=job_id, now=database_now())


def measure_server(project: Any) -> dict[str, Any]:
    from django.test import Client
    from django.urls import reverse

    from crowd.models import Worker
    from curation.models import Asset
    from tests.bench.ground import processor_seconds

    client = Client()
    client.force_login(project.memberships.get().user)
    worker = Worker.objects.order_by("-pk")[0].short_id.removeprefix("w_")
    page, part = reverse("assets", args=[project.public_id]), reverse("assets-page", args=[project.public_id])
    deep = Asset.objects.filter(project=project).order_by("pk")[ASSETS // 3].public_id
    found: dict[str, Any] = {}
    for name, text in QUERIES.items():
        query = {"q": text.format(worker=worker)}
        client.get(page, query)
        before = processor_seconds()
        count_now(project)
        counting = processor_seconds() - before
        found[name] = {
            "page": times(lambda query=query: client.get(part, query)),
            "deep": times(lambda query=query: client.get(part, query | {"after": str(deep)})),
            "whole": times(lambda query=query: client.get(page, query)),
            "counting_cpu_s": round(counting, 2),
        }
        print_row(name, found[name])
    return found


def print_row(name: str, row: dict[str, Any]) -> None:
    parts = (row["page"], row["deep"], row["whole"])
    cells = "".join(f"{one['p50_ms']:8.1f} /{one['p95_ms']:7.1f} ({one['cpu_ms']:5.1f})" for one in parts)
    print(f"  {name:<22}{cells}{row['counting_cpu_s']:10.2f}", flush=True)


@contextmanager
def served() -> Iterator[str]:
    """Serve as the product does, beside the browser's driver."""
    from tests.bench.ground import web_processes

    with web_processes(1) as (base, _pids):
        yield base


WATCH = """
window.frames_ = []; window.nodes_ = 0; let last = performance.now();
const tick = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(tick); };
requestAnimationFrame(tick);
setInterval(() => { nodes_ = Math.max(nodes_, document.querySelectorAll("*").length); }, 250);
"""


def measure_browser(project: Any) -> dict[str, Any]:
    """Scroll by the wheel for SCROLL_SECONDS and return frame times, elements and how far it came."""
    from django.test import Client
    from django.urls import reverse

    from tests.browsing import DESK, chromium

    client = Client()
    client.force_login(project.memberships.get().user)
    cookie = client.cookies["sessionid"].value
    with chromium() as browser, served() as base:
        context = browser.new_context(base_url=base, **DESK)
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
        tab = context.new_page()
        tab.goto(reverse("assets", args=[project.public_id]))
        tab.locator(".window .page").nth(1).wait_for()
        tab.mouse.move(800, 600)
        tab.evaluate(WATCH)
        until = time.monotonic() + SCROLL_SECONDS
        while time.monotonic() < until:
            tab.mouse.wheel(0, 240)
            tab.wait_for_timeout(16)
        frames = sorted(tab.evaluate("frames_"))
        live = ".window .page:not(.away)"
        answer = {
            "frames": len(frames),
            "frame_p50_ms": round(frames[len(frames) // 2], 1),
            "frame_p95_ms": round(frames[int(0.95 * len(frames))], 1),
            "most_elements": tab.evaluate("nodes_"),
            "pages_passed": tab.locator(".window .page").count(),
            "live_pages": tab.locator(live).count(),
            "scrolled_px": tab.evaluate("scrollY"),
        }
        context.close()
    return answer


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        started = time.perf_counter()
        project = load(ASSETS)
        took = time.perf_counter() - started
        print(f"{ASSETS:,} assets, loaded in {took:.0f} s; {platform.machine()}, {os.cpu_count()} cores")
        print(f"  {'ms, p50 / p95 (cpu)':<22}{'page of 120':>25}{'deep page':>25}{'whole screen':>25}{'count, s':>10}")
        server = measure_server(project)
        browser = measure_browser(project)
    for name, value in browser.items():
        print(f"  {name:<22}{value}")
    out = ROOT / "var" / "bench" / "web-assets.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"assets": ASSETS, "server": server, "browser": browser}, indent=2), encoding="utf-8")
    slow = [name for name, row in server.items() if row["page"]["p95_ms"] > AIM_PAGE_MS]
    return int(bool(slow) or browser["most_elements"] > AIM_NODES or browser["frame_p95_ms"] > AIM_FRAME_MS)


if __name__ == "__main__":
    raise SystemExit(main())
