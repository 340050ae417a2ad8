"""The control door: JSON for tests and scripts to play time, money, faults and workers. Not part of the service."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from crowd.emulators.mturk import worker_side
from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.faults import Fault
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.pages import page_url, task_for
from crowd.emulators.mturk.service import Service
from crowd.emulators.mturk.visits import Crowd
from crowd.emulators.mturk.worker_side import Profile
from crowd.money import micro, plain

Body = Mapping[str, Any]
Json = dict[str, Any]


class Control:
    """Answers the control door; `base` is the address under which this emulator is reached."""

    def __init__(self, service: Service, crowd: Crowd) -> None:
        self._service, self._market, self._crowd = service, service.market, crowd

    def answer(self, method: str, path: str, body: Body, base: str) -> tuple[int, Json]:
        """Return status and JSON; what is wrong is told with 400, 404 or 409."""
        for wanted, pattern, handle in _ROUTES:
            if wanted == method and (found := re.fullmatch(pattern, path.strip("/"))):
                return self._careful(partial(handle, self, *found.groups(), body, base))
        return 404, {"message": f"The control door has no {method} {path}."}

    def _careful(self, handle: Callable[[], Json]) -> tuple[int, Json]:
        try:
            self._service.catch_up()
            return 200, handle()
        except Refusal as refusal:
            status = 404 if "DoesNotExist" in refusal.code else 409
            return status, {"code": refusal.code, "message": refusal.message}
        except KeyError as missing:
            return 400, {"message": f"{missing.args[0]} is missing."}
        except (ValueError, TypeError) as error:
            return 400, {"message": str(error)}

    # Time, money, faults

    def overview(self, _body: Body, base: str) -> Json:
        market = self._market
        counts = {"hits": len(market.hits), "assignments": len(market.assignments), "workers": len(market.workers)}
        return {"platform": "mturk", "url": base, "now": market.clock.now().isoformat(), **counts}

    def show_clock(self, _body: Body, _base: str) -> Json:
        return {"now": self._market.clock.now().isoformat()}

    def move_clock(self, body: Body, base: str) -> Json:
        """Take `now`, `advance` with days, hours, minutes and seconds, or `speed`."""
        if "speed" in body:
            self._market.clock.run(float(body["speed"]))
        if "now" in body:
            when = datetime.fromisoformat(body["now"])
            self._market.clock.move_to(when if when.tzinfo else when.replace(tzinfo=UTC))
        if "advance" in body:
            self._market.clock.advance(timedelta(**body["advance"]))
        self._service.catch_up()
        return self.show_clock(body, base)

    def show_books(self, _body: Body, _base: str) -> Json:
        with self._market.lock:
            books = self._market.books
            return {**books.as_json(), "lines": [line.as_json() for line in books.lines]}

    def show_balance(self, _body: Body, _base: str) -> Json:
        books = self._market.books
        return {"available_usd": plain(books.available), "on_hold_usd": plain(books.on_hold)}

    def deposit(self, body: Body, base: str) -> Json:
        with self._market.lock:
            self._market.books.move("deposit", _positive(body["deposit_usd"]), self._market.clock.now())
        return self.show_balance(body, base)

    def show_faults(self, _body: Body, _base: str) -> Json:
        return self._service.faults.as_json()

    def set_fault(self, body: Body, base: str) -> Json:
        self._service.faults.switch(Fault.from_json(body))
        return self.show_faults(body, base)

    def clear_faults(self, body: Body, base: str) -> Json:
        self._service.faults.clear()
        return self.show_faults(body, base)

    def show_notifications(self, _body: Body, _base: str) -> Json:
        return {"notifications": [notice.as_json() for notice in self._market.notices]}

    def add_layout(self, body: Body, _base: str) -> Json:
        """Keep a page with ${placeholders}, as the service's website did, and return its HITLayoutId."""
        with self._market.lock:
            layout_id = self._market.ids.entity()
            self._market.layouts[layout_id] = body["html"]
        return {"layout_id": layout_id}

    # Workers

    def list_workers(self, _body: Body, _base: str) -> Json:
        return {"workers": [worker.as_json() for worker in self._market.workers.values()]}

    def add_worker(self, body: Body, _base: str) -> Json:
        """Add a worker with a profile, or `people` simulated ones."""
        if "people" in body:
            self._crowd.invite(int(body["people"]))
            return {"people": int(body["people"])}
        known = {part.name for part in fields(Profile)}
        if set(body) - known:
            raise ValueError(f"A worker has {', '.join(sorted(known))}; got {', '.join(sorted(body))}.")
        with self._market.lock:
            return worker_side.join(self._market, Profile(**body)).as_json()

    def show_worker(self, worker_id: str, _body: Body, _base: str) -> Json:
        return self._market.worker(worker_id).as_json()

    def show_messages(self, worker_id: str, _body: Body, _base: str) -> Json:
        return {"messages": [_plain(asdict(message)) for message in self._market.worker(worker_id).messages]}

    def list_offers(self, worker_id: str, _body: Body, _base: str) -> Json:
        with self._market.lock:
            worker = self._market.worker(worker_id)
            may_accept = {hit.id for hit in worker_side.acceptable(self._market, worker)}
            found = list(worker_side.offered(self._market, worker))
        return {
            "hits": [
                {
                    "hit_id": hit.id,
                    "title": hit.type.title,
                    "reward": plain(hit.type.reward),
                    "accept": hit.id in may_accept,
                }
                for hit in found
            ]
        }

    def preview(self, worker_id: str, body: Body, base: str) -> Json:
        with self._market.lock:
            hit = self._market.hit(body["hit_id"])
            return {"url": page_url(worker_side.preview(self._market, self._market.worker(worker_id), hit), base)}

    def accept(self, worker_id: str, body: Body, base: str) -> Json:
        with self._market.lock:
            hit, worker = self._market.hit(body["hit_id"]), self._market.worker(worker_id)
            assignment = worker_side.accept(self._market, worker, hit, self._market.clock.now())
            task = task_for(hit, assignment, base)
        return {
            **_state(assignment),
            "url": task.url,
            "submit_to": task.submit_to,
            "deadline": task.deadline.isoformat(),
        }

    def ask(self, worker_id: str, body: Body, _base: str) -> Json:
        """Ask for a qualification; with `answers` a test is written at once."""
        with self._market.lock:
            worker, now = self._market.worker(worker_id), self._market.clock.now()
            asked = worker_side.ask_for_qualification(self._market, worker, body["qualification_type_id"], now)
            if asked.state == "Open" and "answers" in body:
                worker_side.hand_in_test(self._market, asked, body["answers"], now)
            return worker_side.asked_as_json(asked)

    def write_test(self, request_id: str, body: Body, _base: str) -> Json:
        with self._market.lock:
            asked = self._market.qualification_requests[request_id]
            worker_side.hand_in_test(self._market, asked, body["answers"], self._market.clock.now())
            return worker_side.asked_as_json(asked)

    # Their work

    def show_assignment(self, assignment_id: str, _body: Body, _base: str) -> Json:
        return _state(self._market.assignment(assignment_id))

    def give_back(self, assignment_id: str, _body: Body, _base: str) -> Json:
        with self._market.lock:
            assignment = self._market.assignment(assignment_id)
            worker_side.give_back(self._market, assignment, self._market.clock.now())
            return _state(assignment)

    def hand_in(self, assignment_id: str, body: Body, _base: str) -> Json:
        with self._market.lock:
            assignment = self._market.assignment(assignment_id)
            worker_side.hand_in(self._market, assignment, body["answers"], self._market.clock.now())
            return _state(assignment)

    def visits(self, body: Body, _base: str) -> Json:
        return {"done": self._crowd.visits(int(body.get("count", 1)))}


Handler = Callable[..., Json]
_ID: Final = "([A-Z0-9]+)"
_ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "", Control.overview),
    ("GET", "clock", Control.show_clock),
    ("POST", "clock", Control.move_clock),
    ("GET", "books", Control.show_books),
    ("GET", "balance", Control.show_balance),
    ("POST", "balance", Control.deposit),
    ("GET", "faults", Control.show_faults),
    ("POST", "faults", Control.set_fault),
    ("DELETE", "faults", Control.clear_faults),
    ("GET", "notifications", Control.show_notifications),
    ("POST", "layouts", Control.add_layout),
    ("GET", "workers", Control.list_workers),
    ("POST", "workers", Control.add_worker),
    ("GET", f"workers/{_ID}", Control.show_worker),
    ("GET", f"workers/{_ID}/messages", Control.show_messages),
    ("GET", f"workers/{_ID}/hits", Control.list_offers),
    ("POST", f"workers/{_ID}/preview", Control.preview),
    ("POST", f"workers/{_ID}/accept", Control.accept),
    ("POST", f"workers/{_ID}/qualifications", Control.ask),
    ("POST", f"qualification-requests/{_ID}/answers", Control.write_test),
    ("GET", f"assignments/{_ID}", Control.show_assignment),
    ("POST", f"assignments/{_ID}/return", Control.give_back),
    ("POST", f"assignments/{_ID}/submit", Control.hand_in),
    ("POST", "visits", Control.visits),
)


def _state(assignment: Assignment) -> Json:
    return {
        "assignment_id": assignment.id,
        "hit_id": assignment.hit_id,
        "worker_id": assignment.worker_id,
        "state": assignment.state,
    }


def _plain(values: Json) -> Json:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _positive(usd: str) -> int:
    amount = micro(usd)
    if amount <= 0:
        raise ValueError(f"deposit_usd is {usd}; expected more than 0")
    return amount
