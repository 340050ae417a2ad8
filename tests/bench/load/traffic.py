"""Everybody at once over HTTP: a lead and programs read, workers take and hand in pages, reviewers decide.

What is done is planned beforehand and begun at its time, however late the server is with what came before; how long it
took is counted from the planned moment. What a browser asks for next is counted from the answer before it.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.bench.load.people import POOLS_WITH_WORK, Headers, People

SEED, AHEAD, FEW = 1, 50, 10
PAGE = re.compile(r"/w/pages/\d+/")
ANSWER = re.compile(r'action="(/w/pages/\d+/answers/(\d+)/)"')
PICTURE = re.compile(r'src="(/w/media/\d+/image/)"')
REFUSED = frozenset({409, 422, 429, 503})
_Reader = tuple[str, Headers, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many pages a lead and how many requests programs read a second, and how long others take.

    A worker takes `page_seconds` for a page, a reviewer `picture_seconds` for a picture.
    """

    seconds: float
    lead_rate: float
    rate: float
    page_seconds: float
    picture_seconds: float


@dataclass
class Seen:
    """What came back: seconds by kind of caller and by what was asked for, and what went wrong."""

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)


@dataclass
class Line:
    """One caller's way to the server."""

    http: httpx.AsyncClient
    seen: Seen
    who: str
    headers: Headers

    async def ask(
        self, what: str, path: str, *, since: float | None = None, json: Any = None, post: bool = False
    ) -> httpx.Response | None:
        """Send one request and note how long it took `since` it was due; None = it failed or was refused."""
        began = time.monotonic() if since is None else since
        try:
            method = "POST" if post or json is not None else "GET"
            answer = await self.http.request(method, path, headers=self.headers, json=json)
        except httpx.HTTPError as error:
            self.seen.errors[f"{self.who}, {what}: {type(error).__name__}"] += 1
            return None
        self.seen.seconds[self.who, what].append(time.monotonic() - began)
        if answer.status_code < 400:
            return answer
        counted = self.seen.refused if answer.status_code in REFUSED else self.seen.errors
        counted[f"{self.who}, {what}: {answer.status_code}"] += 1
        return None


def run(base: str, project: Any, people: People, plan: Plan) -> Seen:
    return asyncio.run(_run(base, _Addresses.of(project), people, plan))


def read(project: Any, people: People) -> dict[str, tuple[Headers, str]]:
    """Return every address that somebody reads, with who does."""
    to = _Addresses.of(project)
    readers = [_lead(to, people), *_programs(to, people)]
    found = {f"{who}: {what}": (head, path) for who, head, places in readers for what, path in places.items()}
    return {
        **found,
        "workers: home": (people.workers[0], "/w/"),
        "reviewers: next images": (people.reviewers[0], to.next),
    }


@dataclass(frozen=True, slots=True)
class _Addresses:
    lead: dict[str, str]
    programs: dict[str, str]
    review: str
    next: str
    decisions: str
    takes: Sequence[str]

    @classmethod
    def of(cls, project: Any) -> _Addresses:
        from django.urls import reverse

        from crowd.models import Batch

        batches = Batch.objects.filter(project_id=project.pk, interface="choice").order_by("id")[:POOLS_WITH_WORK]
        takes = [reverse("w-take", args=[batch.pk]) for batch in batches]
        names = ("project", "pools", "assets", "workers", "review", "money")
        own = {name: reverse(name, args=[project.public_id]) for name in names}
        one = str(project.assets.order_by("pk").values_list("public_id", flat=True)[0])
        api = {
            "assets": f"{reverse('api-assets')}?project={project.public_id}&limit=30",
            "published assets": f"{reverse('api-assets')}?project={project.public_id}&limit=30&state=published",
            "200 annotations": f"{reverse('api-annotations')}?project={project.public_id}&limit=200",
            "200 results": f"{reverse('api-consensus-list')}?project={project.public_id}&limit=200",
            "ledger": f"{reverse('api-ledger')}?project={project.public_id}&limit=30",
            "one asset": reverse("api-asset", args=[one]),
        }
        doors = [reverse(f"review-{name}", args=[project.public_id]) for name in ("next", "decisions")]
        return cls({**own, "first page": "/"}, api, own["review"], doors[0], doors[1], takes)


async def _run(base: str, to: _Addresses, people: People, plan: Plan) -> Seen:
    limits = httpx.Limits(max_connections=500, keepalive_expiry=2)  # sooner than the server hangs up
    async with httpx.AsyncClient(base_url=base, timeout=120, trust_env=False, limits=limits) as http:
        lead, programs = [_lead(to, people)], _programs(to, people)
        await _warm(http, [*lead, *programs])
        chance, seen, begin = random.Random(SEED), Seen(), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for readers, rate in ((lead, plan.lead_rate), (programs, plan.rate)):
                tasks.create_task(_reading(http, seen, readers, _moments(begin, plan.seconds, rate)))
            for number, headers in enumerate(people.workers):
                line, take = Line(http, seen, "workers", headers), to.takes[number % len(to.takes)]
                tasks.create_task(_working(line, take, plan, begin + chance.random() * plan.page_seconds))
            for headers in people.reviewers:
                line = Line(http, seen, "reviewers", headers)
                tasks.create_task(_reviewing(line, to, plan, begin + chance.random() * plan.picture_seconds))
    return seen


async def _warm(http: httpx.AsyncClient, readers: Sequence[_Reader]) -> None:
    """Ask once for everything that is read: the first, cold call of each is left out."""
    warm = Seen()
    for who, headers, places in readers:
        for what, path in places.items():
            await Line(http, warm, who, headers).ask(what, path)
    assert warm.errors + warm.refused == Counter()


def _lead(to: _Addresses, people: People) -> _Reader:
    return "lead", people.lead, to.lead


def _programs(to: _Addresses, people: People) -> list[_Reader]:
    return [("API", headers, to.programs) for headers in people.programs]


def _moments(begin: float, seconds: float, rate: float) -> Iterator[float]:
    """Draw moments of chance, so many a second."""
    chance, due = random.Random(SEED), begin
    while (due := due + chance.expovariate(rate)) < begin + seconds:
        yield due


async def _reading(http: httpx.AsyncClient, seen: Seen, readers: Sequence[_Reader], moments: Iterator[float]) -> None:
    """Begin a reading request at each of these moments, whatever became of those before."""
    chance = random.Random(SEED)
    async with asyncio.TaskGroup() as tasks:
        for due in moments:
            await _until(due)
            who, headers, places = chance.choice(readers)
            what, path = chance.choice(list(places.items()))
            tasks.create_task(Line(http, seen, who, headers).ask(what, path, since=due))


async def _working(line: Line, take: str, plan: Plan, start: float) -> None:
    """Take a page, look, answer picture by picture, hand in, go on with the next: each page so many seconds."""
    due, end = start, start + plan.seconds
    await _until(due)
    await line.ask("home", "/w/", since=due)
    page = _page_of(await line.ask("takes a page", take, post=True))
    while page and (due := due + plan.page_seconds) < end:
        page = await _page_done(line, page, due, plan.page_seconds)


async def _page_done(line: Line, page: str, due: float, seconds: float) -> str:
    """Do one page so that it is handed in when it is `due`; return the next one, empty when there is none."""
    shown = await line.ask("a page", page)
    if shown is None:
        return ""
    await asyncio.gather(*(line.ask("a picture", path) for path in PICTURE.findall(shown.text)))
    tasks, answers = ANSWER.findall(shown.text), {}
    for number, (path, answer_id) in enumerate(tasks, start=1):
        at = due - seconds * (1 - number / (len(tasks) + 1))
        await _until(at)
        answers[answer_id] = {"answer": "correct"}
        await line.ask("an answer", path, since=at, json={"payload": answers[answer_id]})
    await _until(due)
    sent = {"answers": answers, "ms": int(1000 * seconds)}
    reply = await line.ask("hands in", f"{page}submit/", since=due, json=sent)
    line.seen.done["pages"] += reply is not None
    line.seen.done["answers"] += len(answers) * (reply is not None)
    return reply.json()["next"] if reply is not None and PAGE.fullmatch(reply.json()["next"]) else ""


def _page_of(reply: httpx.Response | None) -> str:
    """Return where taking a page led, empty when there was none."""
    found = PAGE.fullmatch(reply.headers.get("Location", "")) if reply is not None else None
    return found.group() if found else ""


async def _reviewing(line: Line, to: _Addresses, plan: Plan, start: float) -> None:
    """Open the review page, and decide picture after picture, with more of them fetched in time."""
    due, end = start, start + plan.seconds
    await _until(due)
    await line.ask("review page", to.review, since=due)
    queue: list[dict[str, Any]] = []
    known: set[str] = set()
    while (due := due + plan.picture_seconds) < end:
        if len(queue) < FEW:
            queue += await _more(line, to.next, known)
        await _until(due)
        if not queue:
            break
        await _decide(line, to.decisions, queue.pop(0), due)


async def _more(line: Line, path: str, known: set[str]) -> list[dict[str, Any]]:
    reply = await line.ask("next images", f"{path}?n={AHEAD}")
    items = [item for item in reply.json()["items"] if item["id"] not in known] if reply is not None else []
    known |= {item["id"] for item in items}
    return items


async def _decide(line: Line, path: str, item: dict[str, Any], due: float) -> None:
    decision = {"key": str(uuid4()), "id": item["id"], "verdict": "accept", "seen": item["seen"], "ms": 2000}
    reply = await line.ask("decides", path, since=due, json={"decisions": [decision]})
    if reply is None:
        return
    answer = reply.json()
    line.seen.done["decisions"] += len(answer["saved"])
    for one in answer["refused"]:
        line.seen.refused[f"reviewers, decides: {one['why']}"] += 1


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
