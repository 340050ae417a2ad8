"""A stand-in of a searx instance, and of the servers it leads to: pictures, errors, dead and hostile hosts."""

import json
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from tests.crowd.fetching.servers import Page, Site, page


class Pages(dict[str, Page]):
    """Pages by path; what stands after the question mark is for the page itself."""

    def __missing__(self, path: str) -> Page:
        plain = urlsplit(path).path
        return self[plain] if plain in self else page(b"not here", status=404)


@dataclass
class Searx:
    """Answers each question from `found`, or refuses an engine as often as `troubled` says."""

    site: Site
    found: dict[str, list[str]] = field(default_factory=dict)
    troubled: Counter[str] = field(default_factory=Counter)
    down: int = 0
    asked: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return self.site.url("")

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        question = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        text, engine = question["q"], question["engines"]
        self.asked[text, engine, question["pageno"]] += 1
        if self.down:
            self.down -= 1
            page(b"", status=503)(handler)
            return
        document: dict[str, Any] = {"query": text, "results": [], "unresponsive_engines": []}
        if self.troubled[engine]:
            self.troubled[engine] -= 1
            document["unresponsive_engines"] = [[engine, "too many requests"]]
        else:
            document["results"] = [
                {"url": f"https://page.example/{n}", "img_src": url, "title": f"{text} {n}", "license": "CC BY 4.0"}
                for n, url in enumerate(self.found.get(text, []))
            ]
        page(json.dumps(document).encode(), Content_Type="application/json")(handler)


def searx(site: Site) -> Searx:
    site.pages = Pages(site.pages)
    made = Searx(site)
    site.pages["/search"] = made.answer
    return made


def picture(number: int) -> bytes:
    """Return a small photograph-like picture, each quite another one."""
    coarse = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(out, "JPEG")
    return out.getvalue()
