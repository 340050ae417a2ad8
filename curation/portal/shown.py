"""What a worker's screen shows: values for templates, free of everything that would tell a control task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from crowd.errors import BadAnswer
from crowd.models import Assignment, Batch
from crowd.money import money_text
from crowd.services import teams
from crowd.services.answers import check_payload
from crowd.services.claims import Offer, PageTask, page_tasks
from curation.services.uploads import least_of

CENT = 10_000
ICONS = {
    "correct": "check",
    "incorrect": "x",
    "rotated": "rotate-cw",
    "third_party": "copy-x",
    "not_loaded": "image-off",
}
TONES = {"good": "circle-check", "bad": "circle-x"}
COLOURS = {"red", "green", "blue", "orange", "purple", "yellow"}
ICON_OF_INTERFACE = {"photo": "camera", "link": "link", "choice": "list-checks", "boxes": "square-dashed"}
KIND_WORDS = {Batch.Kind.TRAINING: "Training", Batch.Kind.EXAM: "Exam"}


@dataclass(frozen=True, slots=True)
class ShownOffer:
    batch_id: int
    title: str
    icon: str
    kind: str
    price: str
    tasks: int
    left: int
    most: str
    needs: str
    page_id: int | None
    own: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    tone: str
    icon: str
    key: str


@dataclass(frozen=True, slots=True)
class Label:
    name: str
    colour: str
    key: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page and what belongs to it is found; `home` is empty where there is nothing to go back to."""

    page: str
    answers: str
    submit: str
    skip: str
    uploads: str
    pictures: str
    home: str = ""

    def answer(self, answer_id: int) -> str:
        return f"{self.answers}{answer_id}/"

    def picture(self, answer_id: int, kind: str) -> str:
        return f"{self.pictures}{answer_id}/{kind}/"


def own_links(page: Assignment) -> Links:
    """Return the addresses of a page for our own people."""
    here = reverse("w-page", args=[page.pk])
    return Links(
        page=here,
        answers=f"{here}answers/",
        submit=reverse("w-submit", args=[page.pk]),
        skip=reverse("w-skip", args=[page.pk]),
        uploads=reverse("w-uploads"),
        pictures=f"{reverse('w-home')}media/",
        home=reverse("w-home"),
    )


@dataclass(frozen=True, slots=True)
class ShownTask:
    answer_id: int
    number: int
    about: str
    image: str
    template: str
    answer_to: str
    width: int
    height: int
    given: Mapping[str, Any] | None
    answered: bool

    @property
    def choice(self) -> str:
        return str((self.given or {}).get("answer", ""))

    @property
    def link(self) -> str:
        return str((self.given or {}).get("link", ""))


@dataclass(frozen=True, slots=True)
class ShownPage:
    page: Assignment
    links: Links
    title: str
    kind: str
    price: str
    instructions: list[str]
    options: list[Option]
    labels: list[Label]
    flags: list[Mapping[str, Any]]
    least: tuple[int, int]
    tasks: list[ShownTask]
    current: int

    @property
    def interface(self) -> str:
        return self.page.batch.interface

    @property
    def trains(self) -> bool:
        return self.page.batch.kind == Batch.Kind.TRAINING

    @property
    def start(self) -> dict[str, Any]:
        """What the page's module needs. No storage key: of a photo it learns only that it has arrived."""
        photo = self.interface == "photo"
        return {
            "page": self.page.pk,
            "worker": self.page.worker_id,
            "interface": self.interface,
            "training": self.trains,
            "labels": [{"name": label.name, "colour": label.colour} for label in self.labels],
            "least": list(self.least),
            "current": self.current,
            "answers": self.links.answers,
            "submit": self.links.submit,
            "uploads": self.links.uploads,
            "tasks": [
                {
                    "id": task.answer_id,
                    "given": task.answered if photo else task.given,
                    "width": task.width,
                    "height": task.height,
                }
                for task in self.tasks
            ],
        }


def price_text(amount_micro: int) -> str:
    """Return the price of a page; four places only where cents are not enough, nothing where it is unpaid."""
    if amount_micro == 0:
        return ""
    return money_text(amount_micro, places=2 if amount_micro % CENT == 0 else 4)


def hourly_text(hourly_micro: int) -> str:
    return f"{price_text(hourly_micro)} an hour"


@dataclass(frozen=True, slots=True)
class TimePay:
    """A page that is paid by its time: by which rate, what it is worth so far and at most."""

    rate: str
    so_far: str
    most: str
    hourly_micro: int
    most_micro: int
    spent_ms: int


def time_pay(page: Assignment, now: datetime) -> TimePay | None:
    """Return how the time of a page is paid; None = it has a price."""
    if not page.hourly_micro:
        return None
    return TimePay(
        rate=hourly_text(page.hourly_micro),
        so_far=money_text(teams.due_for(page=page, now=now)),
        most=money_text(page.price_micro),
        hourly_micro=page.hourly_micro,
        most_micro=page.price_micro,
        spent_ms=int(teams.time_of(page=page, now=now).total_seconds() * 1000),
    )


def shown_offers(offers: Sequence[Offer], active: Mapping[int, Assignment], own: Mapping[int, int]) -> list[ShownOffer]:
    """Put what is open first, then what is kept for this worker, then what can be begun, then what needs something."""
    shown = [_shown_offer(offer, active.get(offer.batch.pk), own.get(offer.batch.pk, 0)) for offer in offers]
    return sorted(shown, key=lambda offer: (offer.page_id is None, bool(offer.needs), not offer.own))


def _shown_offer(offer: Offer, page: Assignment | None, own: int) -> ShownOffer:
    kind = Batch.Kind(offer.batch.kind)
    return ShownOffer(
        batch_id=offer.batch.pk,
        title=str(offer.batch.spec.get("title", "Task")),
        icon=ICON_OF_INTERFACE.get(offer.batch.interface, "list-checks"),
        kind=KIND_WORDS.get(kind, ""),
        price=hourly_text(offer.hourly_micro) if offer.hourly_micro else price_text(offer.price_micro),
        tasks=offer.batch.page_size,
        left=offer.available if kind == Batch.Kind.MAIN else 0,
        most=money_text(offer.price_micro) if offer.hourly_micro else "",
        needs="" if page else offer.needs,
        page_id=page.pk if page else None,
        own=own,
    )


def shown_page(
    page: Assignment, answers: Mapping[int, Mapping[str, Any]], wanted: int | None, links: Links
) -> ShownPage:
    """Put a page together; `wanted` is the number of the task asked for, else the first unanswered one is open."""
    spec = page.batch.spec
    tasks = [_task(task, page.batch, answers.get(task.answer_id), links) for task in page_tasks(page)]
    first_open = next((task.number for task in tasks if not task.answered), len(tasks))
    current = wanted if wanted is not None and 1 <= wanted <= len(tasks) else first_open
    return ShownPage(
        page=page,
        links=links,
        title=str(spec.get("title", "Task")),
        kind=KIND_WORDS.get(Batch.Kind(page.batch.kind), ""),
        price=price_text(page.price_micro),
        instructions=[str(line) for line in spec.get("instructions", [])],
        options=_options(spec),
        labels=_labels(spec),
        flags=list(spec.get("flags", [])),
        least=least_of(spec),
        tasks=tasks,
        current=current,
    )


def _task(task: PageTask, batch: Batch, given: Mapping[str, Any] | None, links: Links) -> ShownTask:
    payload = task.payload
    return ShownTask(
        answer_id=task.answer_id,
        number=task.seq + 1,
        about=_about(payload, str(batch.spec.get("title", ""))),
        image=links.picture(task.answer_id, "image"),
        template=links.picture(task.answer_id, "template") if payload.get("template_key") else "",
        answer_to=links.answer(task.answer_id),
        width=int(payload.get("width") or 0),
        height=int(payload.get("height") or 0),
        given=given,
        answered=given is not None and _is_whole(batch, given),
    )


def _is_whole(batch: Batch, given: Mapping[str, Any]) -> bool:
    """Tell a finished answer from a draft."""
    try:
        check_payload(interface=batch.interface, spec=batch.spec, payload=given)
    except BadAnswer:
        return False
    return True


def _about(payload: Mapping[str, Any], title: str) -> str:
    """Name the class unless the title does, and say what it looks like."""
    name = str(payload.get("class", "")).replace("_", " ")
    prompt = str(payload.get("prompt", ""))
    named = name and name not in title
    return ": ".join(part for part in (name.capitalize() if named else "", prompt) if part)


def _options(spec: Mapping[str, Any]) -> list[Option]:
    options = []
    for number, option in enumerate(spec.get("options", []), start=1):
        tone = str(option.get("tone", "plain"))
        icon = ICONS.get(option["value"], TONES.get(tone, "circle"))
        options.append(Option(option["value"], option["label"], tone, icon, str(option.get("key") or number)))
    return options


def _labels(spec: Mapping[str, Any]) -> list[Label]:
    labels = []
    for number, label in enumerate(spec.get("labels", []), start=1):
        colour = str(label.get("colour", ""))
        known = colour if colour in COLOURS else "blue"
        labels.append(Label(str(label["name"]), known, str(label.get("key") or number)))
    return labels
