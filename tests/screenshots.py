"""Pictures of the main screens for README and guides: start the product, wait until its demo has content, take them.

Usage: python -m tests.screenshots [--out docs/pictures] [--wait SECONDS] [--only overview,review]
"""

import argparse
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

ROOT = Path(__file__).resolve().parents[1]
SIZE = {"width": 1440, "height": 900}
MOST_BYTES = 250 * 1024
QUALITIES = (88, 80, 70, 60, 50)
ENOUGH = 12  # published pictures that make the screens worth a look
THEMES = ("light", "dark")
# A screen: the address below the project, or of the whole server, and what must be seen before the picture is taken.
SCREENS = {
    "overview": ("", "#kpis"),
    "pools": ("pools/", "table"),
    "assets": ("assets/", "main img"),
    "asset": ("assets/?state=published", "main img"),
    "review": ("review/", "main"),
    "workers": ("workers/", "main"),
    "quality": ("quality/", "main"),
    "money": ("money/", "table"),
    "datasets": ("datasets/", "main"),
    "settings-stages": ("settings/stages/", "table"),
    "forecast": ("/forecast/?recipe=gestures", "table"),
    "new-project": ("/new/", "#cost-sheet"),
}
INSIDE = {"asset": "#window a[href*='/assets/']"}  # what is pressed on the screen to come to the one that is meant
# What a worker sees, pictured light: the pool that is tried on a phone.
PHONE = {"width": 390, "height": 720}
TASKS = {"phone-collect": "CALL", "phone-validate": "VALIDATE", "phone-boxes": "BOXES"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures")
    parser.add_argument("--wait", type=int, default=900, help="longest wait for the demo's content, seconds")
    parser.add_argument("--only", default="", help="comma-separated names of screens")
    given = parser.parse_args()
    names = [name for name in [*SCREENS, *TASKS] if not given.only or name in given.only.split(",")]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or not names:
        say("Chromium is needed, and --only must name screens: " + ", ".join([*SCREENS, *TASKS]))
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="winnow-pictures-") as folder,
        product(folder) as link,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take(browser, link, names, given.out, given.wait)
        browser.close()
    return 0


def say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


@contextmanager
def product(folder: str) -> Iterator[str]:
    """Run the product with its demo in this folder on a free port; yield the sign-in link."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    own = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "STORAGE_URL"}
    }
    environment = {**own, "DATA_DIR": folder, "PORT": str(port), "BASE_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(
        [str(ROOT / "winnow"), "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield _link(process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _link(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if "Sign in once with:" in line:
            return line.split("with:")[1].strip()
    raise SystemExit("The product did not start; its last words are above.")


def take(browser: Browser, link: str, names: list[str], out: Path, wait: int) -> None:
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Hand gestures (demo)").first.click()
    page.wait_for_url("**/p/*/")
    project = page.url
    wait_for_content(page, wait)
    for theme in THEMES:
        context.add_cookies([{"name": "theme", "value": theme, "url": project}])
        for name in [one for one in names if one in SCREENS]:
            below, seen = SCREENS[name]
            page.goto(urljoin(project, below))
            _settle(page, seen)
            if name in INSIDE:
                page.locator(INSIDE[name]).first.click()
                _settle(page, "main")
            _keep(page, out / f"{name}-{theme}.webp")
    for name in [one for one in names if one in TASKS]:
        page.goto(urljoin(project, "pools/"))
        page.locator("a.name-cell", has_text=TASKS[name]).first.click()
        page.get_by_role("link", name="Try it as a worker").click()
        _try(browser, str(page.get_by_role("link", name="Open it here").get_attribute("href")), out / f"{name}.webp")
    context.close()


def _try(browser: Browser, link: str, file: Path) -> None:
    phone = browser.new_context(viewport=PHONE, has_touch=True, color_scheme="light", locale="en-GB")
    page = phone.new_page()
    page.goto(link)
    _settle(page, "main")
    _keep(page, file)
    phone.close()


def _keep(page: Page, file: Path) -> None:
    file.write_bytes(compressed(page.screenshot()))
    say(f"{file.name}: {file.stat().st_size / 1024:.0f} KB")


def wait_for_content(page: Page, seconds: int) -> None:
    """Reload now and then until enough pictures are published; late is better than never, so go on all the same."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number = page.locator('#kpis [data-live="published"]').first.inner_text().replace(",", "")
        if number.isdigit() and int(number) >= ENOUGH:
            return
        page.wait_for_timeout(5_000)
        page.reload()
    say(f"the demo has less than {ENOUGH} published pictures after {seconds} s")


def _settle(page: Page, seen: str) -> None:
    try:
        page.locator(seen).first.wait_for(timeout=5_000)
        page.wait_for_load_state("networkidle", timeout=5_000)
    except TooLate:
        say(f"{page.url} has no {seen} yet")
    page.wait_for_timeout(700)


def compressed(png: bytes) -> bytes:
    """Return WebP of at most 250 KB, as good as that allows."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in QUALITIES:
        data = io.BytesIO()
        image.save(data, "WEBP", quality=quality, method=6)
        if data.tell() <= MOST_BYTES:
            break
    return data.getvalue()


if __name__ == "__main__":
    sys.exit(main())
