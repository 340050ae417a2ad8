"""Skills and their values. Who loses access by a change is looked at in `access`."""

from datetime import datetime, timedelta
from typing import Any

from crowd.emulators.toloka.checks import demand, form, identifier, maybe, needed, number, text
from crowd.emulators.toloka.errors import ApiError, conflict, invalid_field
from crowd.emulators.toloka.forms import SKILL
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Skill, UserSkill, Worker

LANGUAGES = {
    "AR": "30724", "DE": "26377", "EN": "26366", "ES": "32346", "FR": "26711", "HE": "44954", "HU": "54378",
    "ID": "39821", "JA": "26513", "PT": "26714", "RU": "26296", "SV": "29789", "UK": "48836", "ZH-HANS": "44742",
}  # fmt: skip
"""The platform's own skills: 100 for a verified language."""

_VIEW = ("id", "owner", "training", "created", "global")
_VALUE = form(
    {
        "skill_id": needed(identifier),
        "user_id": needed(identifier),
        "value": needed(number(0, 100)),
        "reason": maybe(text()),
    },
    extra=True,
)


def add_languages(market: Market) -> None:
    for language, ident in LANGUAGES.items():
        name = {"name": f"Verified {language}", "public_name": {"EN": f"Verified {language}"}, "hidden": False}
        market.skills.add(Skill(ident, name, market.now, is_global=True))


def create(market: Market, body: Any) -> Skill:
    sent = _form(body)
    market.quotas.spend("create skill", market.now)
    return market.skills.add(Skill(market.ids.number("skill"), sent, market.now))


def update(market: Market, skill_id: str, body: Any) -> Skill:
    skill = market.skills.get(skill_id)
    _demand_own(skill)
    skill.form = _form(body)
    return skill


def _form(body: Any) -> Form:
    sent = demand(SKILL, body)
    return {"hidden": True, **{name: value for name, value in sent.items() if name not in _VIEW}}


def _demand_own(skill: Skill) -> None:
    if skill.is_training:
        raise conflict("SKILL_IS_TRAINING", f"{skill.id} is the skill of a training.")
    if skill.is_global:
        raise ApiError(403, "ACCESS_DENIED", f"Skill {skill.id} belongs to the platform.")


def wanted_value(market: Market, body: Any) -> tuple[Worker, Skill, Form]:
    """Read a request that gives somebody a skill."""
    sent = demand(_VALUE, body)
    skill, worker = market.skills.find(sent["skill_id"]), market.workers.find(sent["user_id"])
    if skill is None:
        raise invalid_field("skill_id", "ENTITY_DOES_NOT_EXIST", "There is no such skill.")
    if worker is None:
        raise invalid_field("user_id", "ENTITY_DOES_NOT_EXIST", "There is no such worker.")
    _demand_own(skill)
    market.quotas.spend("set user skill", market.now)
    return worker, skill, sent


def give(
    market: Market,
    worker: Worker,
    skill: Skill,
    value: float,
    *,
    reason: str | None = None,
    counted: tuple[float, int] | None = None,
) -> UserSkill:
    known = worker.skills.get(skill.id)
    if known is None:
        ident = market.ids.number("user skill")
        known = market.user_skills.add(UserSkill(ident, skill.id, worker.id, value, market.now, market.now))
        worker.skills[skill.id] = known
    known.value, known.modified, known.reason, known.counted = value, market.now, reason, counted
    ttl = skill.form.get("skill_ttl_hours")
    if ttl is not None:
        _let_lapse(market, known, market.now + timedelta(hours=ttl))
    return known


def _let_lapse(market: Market, known: UserSkill, due: datetime) -> None:
    given = known.modified

    def lapse() -> None:
        if known.modified == given and market.user_skills.find(known.id) is known:
            take_away(market, known)

    market.at(due, lapse)


def take_away(market: Market, known: UserSkill) -> None:
    market.user_skills.remove(known.id)
    del market.workers.get(known.user_id).skills[known.skill_id]
