"""The settings of crowd work as a form: what was typed, what it means, and what is wrong with it, beside its field.

A name in the form is the name in `--set STAGE.NAME=VALUE`. The stage kind's own schema checks the values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from django.http import QueryDict
from pydantic import ValidationError

from crowd.services import exam_ending
from curation.stages.base import CrowdSettings
from curation.stages.registry import stage_kind

As = Literal["whole", "money", "date", "share", "choice"]
EVERYBODY = 100
WHOLE_PAGE = "control_per_page"  # where to say that a page has no room for what shall be on it
DEVICES: Final = {"PERSONAL_COMPUTER": "Computer", "SMARTPHONE": "Phone", "TABLET": "Tablet"}
WORDS = ("languages", "countries", "regions")
STEP = ("low", "high", "price_usd")


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    label: str
    shown_as: As = "whole"
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()


ENOUGH: Final = (("curtailed", "when settled"), ("posterior", "when sure"), ("fixed", "when all are in"))
CONTROLS_COME: Final = (("fixed", "as many on every page"), ("adaptive", "a fifth at first, then few"))
PRICE = Param("price_usd", "Price a page", "money")
OVERLAP = Param("overlap", "Answers each", hint="different people about one photo")
PAGE = Param("page_size", "Tasks on a page")
SECONDS = Param("assignment_seconds", "Seconds for a page", hint="then it goes to somebody else")
DAYS = Param("review_days", "Days to judge", hint="then a platform accepts by itself")
LAST_DAY = Param("expires_on", "Last day", "date", hint="empty: no end")
BEST_N = Param("best_n", "Or only the best N", hint="empty: by the share above")
PARAMS: Final[Mapping[str, Sequence[Param]]] = {
    "collect": (PRICE, Param("per_worker", "Most photos of one person", hint="0 = no limit")),
    "validate": (
        PRICE,
        OVERLAP,
        Param("most_overlap", "At most, while they tie"),
        Param("stop", "Enough votes", "choice", hint="settled: no vote can change the label", choices=ENOUGH),
        Param("tau", "Sure from", "share", hint="0.5 to 1, only for “when sure”"),
        PAGE,
        Param("control_per_page", "Control tasks among them", hint="their answer is known"),
        Param("control_rate", "Control tasks come", "choice", hint="on our own pages", choices=CONTROLS_COME),
    ),
    "boxes": (PRICE, OVERLAP, PAGE, Param("needs_value", "Least skill, %")),
    "describe": (PRICE, OVERLAP, PAGE, Param("needs_value", "Least skill, %")),
}
CHAIN: Final = (
    Param("training_tasks", "Training: tasks"),
    Param("training_gate", "Training: gate, %"),
    Param("exam_tasks", "Exam: tasks"),
    Param("exam_gate", "Exam: gate, %"),
    Param("exam_retries", "Exam: tries after the first"),
    Param("exam_retry_days", "Exam: days until the next"),
    Param("exam_ends", "Exam: ends", "choice", hint="on our own pages", choices=tuple(exam_ending.WAYS.items())),
    Param("exam_good", "Exam: a good worker, 0 to 1", "share", hint="only for “clear enough”"),
)
LIMITS: Final = (SECONDS, DAYS, LAST_DAY)
OTHER_LABELS: Final = {
    "languages": "Languages",
    "countries": "Countries",
    "regions": "Regions",
    "devices": "Devices",
    "skills": "Skills",
    "top_percent": "The best share",
    "audience": "Who may work",
    "price_by_skill": "The price by skill",
    "platforms": "The crowd",
}
LABELS: Final = {
    **OTHER_LABELS,
    **{one.name: one.label for params in (*PARAMS.values(), CHAIN, LIMITS, (BEST_N,)) for one in params},
}
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FieldView:
    """One line of text in the form, as the template draws it."""

    place: str
    param: Param
    value: str
    error: str

    @property
    def mode(self) -> str:
        return "decimal" if self.param.shown_as in {"money", "share"} else "numeric"


@dataclass(frozen=True, slots=True)
class CrowdForm:
    """The settings of one stage (or pool) with what stands in their fields."""

    name: str
    kind: str
    title: str
    values: Values
    errors: Mapping[str, str] = field(default_factory=dict)

    def view(self, param: Param) -> FieldView:
        value, error = str(self.values.get(param.name, "")), self.errors.get(param.name, "")
        return FieldView(f"{self.name}.{param.name}", param, value, error)

    @property
    def pay(self) -> list[FieldView]:
        return [self.view(param) for param in PARAMS[self.kind]]

    @property
    def chain(self) -> list[FieldView]:
        return [self.view(param) for param in CHAIN] if self.kind == "validate" else []

    @property
    def limits(self) -> list[FieldView]:
        return [self.view(param) for param in LIMITS]

    @property
    def wording(self) -> str:
        """Return the conditions as they are typed, a line each."""
        return "\n".join(self.values.get("conditions", []))

    @property
    def best_n(self) -> FieldView:
        return self.view(BEST_N)

    @property
    def has_table(self) -> bool:
        return self.kind == "collect"

    @property
    def devices(self) -> list[tuple[str, str, bool]]:
        return [(code, words, code in self.values["devices"]) for code, words in DEVICES.items()]

    @property
    def open_parts(self) -> dict[str, bool]:
        """Return which folded parts hold a mistake, so that nobody has to look for it."""
        people = {*WORDS, "devices", "skills", "top_percent", "best_n", "audience"}
        limits = {param.name for param in LIMITS}
        return {
            "people": bool(people & set(self.errors)),
            "limits": bool(limits & set(self.errors)),
            "words": bool({"title", "conditions"} & set(self.errors)),
        }

    @property
    def people_in_words(self) -> str:
        """Return the summary of who may work."""
        said = [f"{name} {self.values[name]}" for name in WORDS if self.values[name]]
        if self.values["devices"]:
            said.append(", ".join(DEVICES.get(code, code).lower() for code in self.values["devices"]))
        said += [f"{row['skill']} {row['low']} to {row['high']}" for row in self.values["skills"] if row["skill"]]
        if self.values["best_n"]:
            said.append(f"the best {self.values['best_n']}")
        elif str(self.values["top_percent"]) not in {"", str(EVERYBODY)}:
            said.append(f"the best {self.values['top_percent']} %")
        return "; ".join(said) or "everybody"


def values_of(settings: CrowdSettings) -> Values:
    """Return what stands in the fields for settings that are right."""
    plain = settings.model_dump(mode="json")
    audience, table = plain.pop("audience"), plain.pop("price_by_skill", None)
    words = {name: ", ".join(map(str, audience[name])) for name in WORDS}
    return {
        **{name: "" if value is None else value for name, value in plain.items()},
        **words,
        "devices": audience["devices"],
        "skills": audience["skills"],
        "adult_content": audience["adult_content"],
        "top_percent": audience["top_percent"] or EVERYBODY,
        "best_n": audience["best_n"] or "",
        "price_skill": table["skill"] if table else "",
        "steps": table["steps"] if table else [],
    }


def typed_values(post: QueryDict, name: str, before: Values) -> Values:
    """Return what was typed about a stage; a form that did not show it leaves all as it was."""
    if f"{name}.shown" not in post:
        return before
    texts = {
        key: str(post[f"{name}.{key}"]).replace("\x00", "").strip()[:300]
        for key in before
        if f"{name}.{key}" in post and not isinstance(before[key], list | bool)
    }
    return {
        **before,
        **texts,
        "conditions": _lines(post.get(f"{name}.conditions"), before.get("conditions", [])),
        "platforms": post.getlist(f"{name}.platforms")[:50],
        "devices": post.getlist(f"{name}.devices")[:10],
        "whole_pages": f"{name}.whole_pages" in post,
        "adult_content": f"{name}.adult_content" in post,
        "skills": _rows(post, f"{name}.skills", ("skill", "low", "high")),
        "steps": _rows(post, f"{name}.steps", STEP) if f"{name}.price_skill" in post else before["steps"],
    }


def _lines(text: str | None, before: list[str]) -> list[str]:
    """Return what was typed line by line; without the field all stays as it was."""
    if text is None:
        return before
    return [line.strip() for line in text.replace("\x00", "")[:6_000].splitlines() if line.strip()]


def posted_of(name: str, values: Values) -> dict[str, list[str]]:
    """Return the fields that `typed_values` reads as these values."""
    rows = {"skills": ("skill", "low", "high"), "steps": STEP}
    posted = {f"{name}.shown": ["yes"]}
    for key, value in values.items():
        if key in rows:
            posted |= {f"{name}.{key}.{part}": [str(row.get(part, "")) for row in value] for part in rows[key]}
        elif key == "conditions":
            posted[f"{name}.{key}"] = ["\n".join(value)]
        elif isinstance(value, bool):
            posted |= {f"{name}.{key}": ["yes"]} if value else {}
        elif not isinstance(value, list):
            posted[f"{name}.{key}"] = [str(value)]
        elif all(isinstance(one, str) for one in value):
            posted[f"{name}.{key}"] = list(value)
    return posted


def _rows(post: QueryDict, place: str, names: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a small table; a row with an empty first field is none."""
    columns = [post.getlist(f"{place}.{name}")[:101] for name in names]
    rows = [dict(zip(names, (text.strip()[:120] for text in row), strict=True)) for row in zip(*columns, strict=False)]
    return [row for row in rows if row[names[0]]]


def settings_from(values: Values, schema: type[CrowdSettings]) -> dict[str, Any]:
    """Return the settings that the fields stand for, unchecked."""
    own = {name: values[name] for name in schema.model_fields if name in values}
    found: dict[str, Any] = {**own, "expires_on": values["expires_on"] or None, "audience": _audience(values)}
    if "price_by_skill" in schema.model_fields:
        table = {"skill": values["price_skill"], "steps": values["steps"]}
        found["price_by_skill"] = table if values["steps"] else None
    return found


def _audience(values: Values) -> dict[str, Any]:
    share = str(values["top_percent"]).strip()
    return {
        **{name: [word.strip() for word in str(values[name]).split(",") if word.strip()] for name in WORDS},
        "devices": values["devices"],
        "skills": values["skills"],
        "adult_content": values["adult_content"],
        "top_percent": None if share in {"", str(EVERYBODY)} else share,
        "best_n": values["best_n"] or None,
    }


def checked(kind: str, given: Mapping[str, Any], values: Values) -> tuple[CrowdSettings | None, dict[str, str]]:
    """Check fields by the stage kind's schema. Returns the settings, or a sentence for every field that is wrong."""
    schema = stage_kind(kind).Settings
    if not issubclass(schema, CrowdSettings):
        raise TypeError(f"{kind} is no crowd work")
    try:
        return schema.model_validate({**given, **settings_from(values, schema)}), {}
    except ValidationError as error:
        return None, dict(_faults(error))


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The last fault of a field is overwritten by the first: read backwards."""
    for fault in reversed(error.errors()):
        name = _name(fault["loc"])
        yield name, f"{LABELS.get(name, name.replace('_', ' ').capitalize())}: {_sentence(dict(fault))}."


def _name(place: Sequence[int | str]) -> str:
    if not place:
        return WHOLE_PAGE
    inside = place[0] == "audience" and len(place) > 1
    return str(place[1] if inside else place[0])


def _sentence(fault: dict[str, Any]) -> str:
    given, limits = str(fault["input"])[:60] or "nothing", fault.get("ctx", {})
    said = {
        "int": "a whole number",
        "float": "a number such as 0.97",
        "greater_than_equal": f"{limits.get('ge', 0):,} or more",
        "greater_than": f"more than {limits.get('gt', 0):,}",
        "less_than_equal": f"{limits.get('le', 0):,} or less",
        "date": "a day such as 2026-12-31",
    }
    wanted = said.get(fault["type"]) or said.get(fault["type"].partition("_")[0])
    if wanted:
        return f"this must be {wanted}, not {given}"
    return str(fault["msg"]).removeprefix("Value error, ").removesuffix(".")


def what_changed(kind: str, given: Mapping[str, Any], settings: CrowdSettings) -> dict[str, Any]:
    """Return only what differs from the recipe, as a recipe would say it."""
    usual = stage_kind(kind).Settings.model_validate(dict(given))
    new, old = _plain(settings), _plain(usual)
    return {name: value for name, value in new.items() if value != old.get(name)}


def _plain(settings: Any) -> dict[str, Any]:
    plain: dict[str, Any] = settings.model_dump(mode="json")
    return {**plain, "audience": settings.audience.model_dump(mode="json", exclude_defaults=True)}
