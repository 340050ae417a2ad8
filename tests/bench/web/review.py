"""The review screen with 500 images in its queue: from the key to the next picture on the screen, elements, bytes.

Run: nice -n 10 .venv/bin/python tests/bench/web/review.py [images]
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

IMAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 500
PICTURES, DECISIONS, PAUSE_MS = 24, 200, 400
AIM_MS, AIM_NODES, AIM_KILOBYTES = 100, 3_000, 120

LOADED = """() => [location.href, ...performance.getEntriesByType("resource")
  .filter((one) => one.initiatorType !== "img" && !one.name.includes("/m/")).map((one) => one.name)]"""
WATCH = """
window.taken_ = []; window.nodes_ = 0;
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
document.addEventListener("keydown", async (event) => {
  const from = event.timeStamp;
  await Promise.resolve();
  await document.querySelector(".rv-image").decode().catch(() => {});
  await painted();
  taken_.push(performance.now() - from);
  nodes_ = Math.max(nodes_, document.querySelectorAll("*").length);
});
"""


def world() -> Any:
    """Make a project with images at review; each is fetched and decoded by itself."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from curation.models import AssetPreview
    from tests import scenes
    from tests.bench.ground import thumb

    keys = [
        default_storage.save(f"bench/{n}.jpg", ContentFile(scenes.jpeg(str(n), size=(1600, 900))))
        for n in range(PICTURES)
    ]
    thumbs = [default_storage.save(f"bench/{n}.webp", ContentFile(thumb(n))) for n in range(PICTURES)]
    project = scenes.project(Rita="reviewer")
    boxes = scenes.batch(project, "boxes")
    for n in range(IMAGES):
        image = scenes.image_at_review(project, boxes, seed=f"image-{n}", confidence=0.3 + n / IMAGES / 2, spread=0.02)
        AssetPreview.objects.filter(asset=image).update(screen_key=keys[n % PICTURES], thumb_key=thumbs[n % PICTURES])
    return project


def measure(project: Any) -> dict[str, Any]:
    from django.test import Client
    from django.urls import reverse

    from tests import scenes
    from tests.bench.web.assets import served
    from tests.browsing import DESK, chromium

    client = Client()
    client.force_login(scenes.person("Rita"))
    cookie = client.cookies["sessionid"].value
    with chromium() as browser, served() as base:
        context = browser.new_context(base_url=base, **DESK)
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": base}])
        tab = context.new_page()
        tab.goto(reverse("review", args=[project.public_id]))
        tab.locator(".rv-thumb[aria-current]").wait_for()
        tab.wait_for_timeout(3000)
        transferred = sum(_bytes(tab, url) for url in tab.evaluate(LOADED))
        clock = context.new_cdp_session(tab)
        clock.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.evaluate(WATCH)
        before = _busy(clock)
        for _ in range(DECISIONS):
            tab.keyboard.press("a")
            tab.wait_for_timeout(PAUSE_MS)
        busy = _busy(clock) - before
        tab.wait_for_timeout(2000)
        taken = sorted(tab.evaluate("taken_"))
        answer = {
            "decisions": len(taken),
            "key_to_picture_p50_ms": round(taken[len(taken) // 2], 1),
            "key_to_picture_p95_ms": round(taken[int(0.95 * len(taken))], 1),
            "main_thread_ms_a_key": round(1000 * busy / DECISIONS, 1),
            "most_elements": tab.evaluate("nodes_"),
            "kilobytes_without_pictures": round(transferred / 1024, 1),
        }
        context.close()
    return answer


def _busy(clock: Any) -> float:
    """Return the processor seconds of the page's main thread so far."""
    metrics = clock.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _bytes(tab: Any, url: str) -> int:
    """Return what a server sends for an address: compressed, but for the page itself."""
    body = tab.request.get(url).body()
    return len(body if url == tab.url else gzip.compress(body))


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder, durable=False):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
        found = measure(world())
    load = round(os.getloadavg()[0], 1)
    print(f"{IMAGES} images at review; {platform.machine()}, {os.cpu_count()} cores, load {load}")
    for name, value in found.items():
        print(f"  {name:<28}{value}")
    out = ROOT / "var" / "bench" / "web-review.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"images": IMAGES, "load": load, **found}, indent=2), encoding="utf-8")
    return int(found["key_to_picture_p95_ms"] > AIM_MS or found["most_elements"] > AIM_NODES)


if __name__ == "__main__":
    raise SystemExit(main())
