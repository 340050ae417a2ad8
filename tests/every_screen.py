"""Every office page, of the demo and of a project where nothing has happened, to look at: sheets one can read.

Usage: python -m tests.every_screen [--out var/screens] [--wait SECONDS] [--pages overview,pools]

A page is loaded once for each project, and pictured light and dark, 1440 and 390 pixels wide.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page as Tab
from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import sync_playwright

from tests.screenshots import ROOT, THEMES, product, say, wait_for_content

if TYPE_CHECKING:
    from tests.pages.office import Page

WIDTHS = (1440, 390)
TILES = {1440: (960, 1200), 390: (390, 1000)}
COLUMNS = {1440: 2, 390: 3}
CAPTION, GAP = 18, 8


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--out", type=Path, default=ROOT / "var/screens")
    reader.add_argument("--wait", type=int, default=900, help="longest wait for the demo's content, seconds")
    reader.add_argument("--pages", default="", help="comma-separated names of pages; all when left out")
    given = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-screens-") as folder, product(folder) as link:
        look(folder, link.split("/sign-in/")[0], given.out, given.wait, {*filter(None, given.pages.split(","))})
    return 0


def look(folder: str, base: str, out: Path, wait: int, wanted: set[str]) -> None:
    """Picture the pages of the product that runs in this folder."""
    client, projects = prepared(folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(base_url=base, reduced_motion="reduce", locale="en-GB")
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}])
        tab = context.new_page()
        tab.goto(f"/p/{projects['demo'].public_id}/")
        wait_for_content(tab, wait)
        for name, pages in addresses(client, projects).items():
            chosen = [page for page in pages if not wanted or page.name in wanted]
            taken = [(page.name, take(tab, page, out / name)) for page in chosen]
            for width in WIDTHS:
                for theme in THEMES:
                    sheets(taken, out, f"{name}-{width}-{theme}", width)
        browser.close()


def prepared(folder: str) -> tuple[Any, dict[str, Any]]:
    """Join the running product as the one who leads its demo, beside a project where nothing has happened."""
    os.environ |= {
        "DATA_DIR": folder,
        "DJANGO_SETTINGS_MODULE": "curation.settings.local",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
    }
    import django

    django.setup()
    from django.test import Client

    from curation.models import Membership, Project
    from tests.pages import office

    demo = Membership.objects.filter(project__name__contains="demo", role="lead").select_related("project", "user")[0]
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(demo.user)
    empty = Project.objects.filter(name="Not begun").first() or office.empty_project(demo.user)
    return client, {"demo": demo.project, "empty": empty}


def addresses(client: Any, projects: dict[str, Any]) -> "dict[str, list[Page]]":
    from tests.pages import office

    found = {name: office.pages_of(project, client) for name, project in projects.items()}
    return found | {"everywhere": office.pages_for_all(client)}


def take(tab: Tab, page: "Page", folder: Path) -> Path:
    """Keep the four pictures of a page, and return what their names begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    tab.set_viewport_size({"width": WIDTHS[0], "height": 900})
    tab.goto(page.url)
    tab.evaluate("for (const late of document.querySelectorAll('img[loading=lazy]')) late.loading = 'eager'")
    try:
        tab.wait_for_load_state("networkidle", timeout=5_000)
    except TooLate:
        say(f"{page.url} is not quiet yet")
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            tab.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            tab.screenshot(full_page=True, path=folder / f"{page.name}-{width}-{theme}.png")
    return folder / page.name


def sheets(taken: Iterable[tuple[str, Path]], out: Path, name: str, width: int) -> None:
    """Put the pages side by side, each under its name; a long page goes on in the next column."""
    which = name.split("-", 1)[1]
    columns = [column for word, start in taken for column in cut(word, Path(f"{start}-{which}.png"), width)]
    for number, first in enumerate(range(0, len(columns), COLUMNS[width]), start=1):
        sheet(columns[first : first + COLUMNS[width]], width).save(out / f"{name}-{number:02d}.webp", quality=85)


def cut(word: str, file: Path, width: int) -> list[tuple[str, Image.Image]]:
    """Return the picture of a page in pieces as high as a column."""
    wide, high = TILES[width]
    whole = Image.open(file).convert("RGB")
    scaled = whole.resize((wide, round(whole.height * wide / whole.width)), Image.Resampling.LANCZOS)
    tops = range(0, scaled.height, high)
    return [(word, scaled.crop((0, top, wide, min(top + high, scaled.height)))) for top in tops]


def sheet(columns: list[tuple[str, Image.Image]], width: int) -> Image.Image:
    wide, high = TILES[width][0], max(picture.height for _, picture in columns)
    board = Image.new("RGB", (len(columns) * (wide + GAP), high + CAPTION), "#8a8a8a")
    pen = ImageDraw.Draw(board)
    for place, (word, picture) in enumerate(columns):
        pen.text((place * (wide + GAP) + 2, 2), word, fill="white")
        board.paste(picture, (place * (wide + GAP), CAPTION))
    return board


if __name__ == "__main__":
    sys.exit(main())
