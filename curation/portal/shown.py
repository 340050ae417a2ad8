"""What a worker's screen shows: values for templates, free of everything that would tell a control task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from django.utils.translation import gettext

from crowd.authored import told
from crowd.errors import BadAnswer
from crowd.models import Assignment, Batch
from crowd.services import exam_ending
from crowd.services.answers import AND, MOST_CHARACTERS, check_payload
from crowd.services.claims import PageTask, page_tasks
from curation.portal.links import Links
from curation.portal.offers import kind_words, price_text
from curation.services.sendable import Sendable, sendable

ICONS = {
    "correct": "check",
    "incorrect": "x",
    "rotated": "rotate-cw",
    "third_party": "copy-x",
    "not_loaded": "image-off",
}
TONES = {"good": "circle-check", "bad": "circle-x"}
COLOURS = {"red", "green", "blue", "orange", "purple", "yellow"}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    tone: str
    icon: str
    key: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One picture of a pair, and the answer that chooses it."""

    image: str
    value: str


@dataclass(frozen=True, slots=True)
class Label:
    name: str
    words: str
    colour: str
    key: str


@dataclass(frozen=True, slots=True)
class ShownTask:
    answer_id: int
    number: int
    about: str
    image: str
    template: str
    sides: tuple[Side, ...]
    answer_to: str
    width: int
    height: int
    given: Mapping[str, Any] | None
    answered: bool

    @property
    def choice(self) -> str:
        return str((self.given or {}).get("answer", ""))

    @property
    def is_wide(self) -> bool:
        """Whether two of these lie better one above the other."""
        return self.width > self.height

    @property
    def chosen(self) -> list[str]:
        """Return the values of an answer that may have several."""
        return self.choice.split(AND)

    @property
    def text(self) -> str:
        return str((self.given or {}).get("text", ""))

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
    sends: Sendable
    tasks: list[ShownTask]
    current: int

    @property
    def interface(self) -> str:
        return self.page.batch.interface

    @property
    def may_end_early(self) -> bool:
        return exam_ending.ending_test(self.page.batch) is not None

    @property
    def trains(self) -> bool:
        return self.page.batch.kind == Batch.Kind.TRAINING

    @property
    def lasts(self) -> str:
        """Say how long a video is to be; empty = as long as one likes."""
        least, most = (f"{seconds:g}" for seconds in self.sends.seconds)
        if least != "0" and most != "0":
            return gettext("%(least)s to %(most)s seconds") % {"least": least, "most": most}
        if most != "0":
            return gettext("At most %(most)s seconds") % {"most": most}
        return gettext("At least %(least)s seconds") % {"least": least} if least != "0" else ""

    @property
    def multiple(self) -> bool:
        return bool(self.page.batch.spec.get("multiple"))

    @property
    def most_characters(self) -> int:
        return int(self.page.batch.spec.get("most_characters", MOST_CHARACTERS))

    @property
    def has_pictures(self) -> bool:
        return any(option.picture for option in self.options)

    @property
    def third(self) -> Option | None:
        """Return what can be answered to a pair besides its sides."""
        return self.options[2] if self.interface == "pair" and len(self.options) > 2 else None

    @property
    def start(self) -> dict[str, Any]:
        """What the page's module needs. No storage key: of a photo it learns only that it has arrived."""
        photo = self.interface == "photo"
        return {
            "page": self.page.pk,
            "worker": self.page.worker_id,
            "interface": self.interface,
            "training": self.trains,
            "labels": [{"name": one.name, "words": one.words, "colour": one.colour} for one in self.labels],
            "media": self.sends.media,
            "least": list(self.sends.least),
            "seconds": list(self.sends.seconds),
            "most_bytes": self.sends.most_bytes,
            "several": [option.value for option in self.options] if self.multiple else None,
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


def shown_page(
    page: Assignment,
    answers: Mapping[int, Mapping[str, Any]],
    wanted: int | None,
    links: Links,
    *,
    tasks: Sequence[PageTask] | None = None,
) -> ShownPage:
    """Put a page together; `wanted` is the number of the task asked for, else the first unanswered one is open.

    `tasks` are those of a page that is only looked at.
    """
    spec = page.batch.spec
    given = page_tasks(page) if tasks is None else tasks
    shown = [_task(task, page.batch, answers.get(task.answer_id), links) for task in given]
    first_open = next((task.number for task in shown if not task.answered), len(shown))
    current = wanted if wanted is not None and 1 <= wanted <= len(shown) else first_open
    return ShownPage(
        page=page,
        links=links,
        title=title_of(page.batch),
        kind=kind_words(page.batch),
        price=price_text(page.price_micro, page.account.currency),
        instructions=[told(line) for line in spec.get("instructions", [])],
        options=_options(spec, links, shown[0].answer_id if shown else 0),
        labels=_labels(spec),
        flags=[{**flag, "label": told(flag.get("label"))} for flag in spec.get("flags", [])],
        sends=sendable(spec),
        tasks=shown,
        current=current,
    )


def _task(task: PageTask, batch: Batch, given: Mapping[str, Any] | None, links: Links) -> ShownTask:
    payload = task.payload
    return ShownTask(
        answer_id=task.answer_id,
        number=task.seq + 1,
        about=_about(payload, str(batch.spec.get("title", ""))),
        sides=_sides(task, batch, links),
        image=links.picture(task.answer_id, "image"),
        template=links.picture(task.answer_id, "template") if payload.get("template_key") else "",
        answer_to=links.answer(task.answer_id),
        width=int(payload.get("width") or 0),
        height=int(payload.get("height") or 0),
        given=given,
        answered=given is not None and _is_whole(batch, given),
    )


def _sides(task: PageTask, batch: Batch, links: Links) -> tuple[Side, ...]:
    """Lay a pair out; which picture lies on the left is chance, so that a habit of the hand favours neither."""
    values = [str(option["value"]) for option in batch.spec.get("options", [])]
    if batch.interface != "pair" or len(values) < 2:
        return ()
    other = "other" if task.payload.get("other_key") else "template"
    sides = [
        Side(links.picture(task.answer_id, kind), value) for kind, value in zip(("image", other), values, strict=False)
    ]
    return tuple(reversed(sides)) if crc32(str(task.answer_id).encode()) % 2 else tuple(sides)


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
    named = told(name).capitalize() if name and name not in title else ""
    return ": ".join(part for part in (named, told(payload.get("prompt"))) if part)


def _options(spec: Mapping[str, Any], links: Links, answer_id: int) -> list[Option]:
    """Return the options; their pictures belong to the work, therefore any task of the page leads to them."""
    options = []
    for number, option in enumerate(spec.get("options", []), start=1):
        tone = str(option.get("tone", "plain"))
        icon = ICONS.get(option["value"], TONES.get(tone, "circle"))
        key, value = str(option.get("key") or number), option["value"]
        picture = links.picture(answer_id, f"option-{number}") if option.get("picture") else ""
        options.append(Option(value, told(option["label"]), tone, icon, key, picture))
    return options


def _labels(spec: Mapping[str, Any]) -> list[Label]:
    labels = []
    for number, label in enumerate(spec.get("labels", []), start=1):
        colour = str(label.get("colour", ""))
        known = colour if colour in COLOURS else "blue"
        labels.append(Label(str(label["name"]), told(label["name"]), known, str(label.get("key") or number)))
    return labels


def title_of(batch: Batch) -> str:
    return told(batch.spec.get("title")) or gettext("Task")
