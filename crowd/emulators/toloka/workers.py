"""The people of the market: made to order, or drawn from the seed."""

from collections.abc import Mapping
from typing import Any

from crowd.emulators.toloka import skills
from crowd.emulators.toloka.chance import chance
from crowd.emulators.toloka.errors import conflict, invalid_field
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Worker

_HOMES = (("RU", "RU", 225), ("UA", "UK", 187), ("BY", "RU", 149), ("KZ", "RU", 159), ("TR", "TR", 983),
          ("IN", "EN", 994), ("PH", "EN", 10108), ("BR", "PT", 94), ("KE", "EN", 21182), ("FR", "FR", 124))  # fmt: skip
_SHARES = (30, 8, 6, 6, 8, 14, 8, 8, 7, 5)
_PHONE: Form = {"device_category": "SMARTPHONE", "client_type": "TOLOKA_APP", "os_family": "ANDROID",
                "user_agent_type": "OTHER", "os_version": 14.0, "os_version_major": 14, "os_version_minor": 0,
                "os_version_bugfix": 0}  # fmt: skip
_COMPUTER: Form = {"device_category": "PERSONAL_COMPUTER", "client_type": "BROWSER", "os_family": "WINDOWS",
                   "user_agent_type": "BROWSER", "user_agent_family": "CHROME", "os_version": 11.0,
                   "os_version_major": 11, "os_version_minor": 0, "os_version_bugfix": 0}  # fmt: skip
_DEFAULTS: Form = {"country": "RU", "languages": ["RU"], "adult_allowed": True, "attributes": _PHONE}
_OWN = ("id", "skills", "quality")


def add(market: Market, profile: Mapping[str, Any]) -> Worker:
    """Let a person in. The profile has what filters look at; `skills` are values by id, `quality` is 0 to 100."""
    number = len(market.workers) + 1
    ident = str(profile.get("id") or market.ids.worker(number))
    if market.workers.find(ident):
        raise conflict("USER_ALREADY_REGISTERED", f"There is a worker {ident} already.")
    known = {**_DEFAULTS, **{name: value for name, value in profile.items() if name not in _OWN}}
    quality = float(profile.get("quality", chance(market.seed, "quality", number).uniform(0, 100)))
    worker = market.workers.add(Worker(ident, known, quality, market.now))
    for skill_id, value in (profile.get("skills") or {}).items():
        skill = market.skills.find(str(skill_id))
        if skill is None:
            raise invalid_field(f"skills.{skill_id}", "ENTITY_DOES_NOT_EXIST", "There is no such skill.")
        skills.give(market, worker, skill, float(value))
    return worker


def draw(market: Market) -> Worker:
    """Let in the next person of the seed."""
    rng = chance(market.seed, "person", len(market.workers) + 1)
    country, language, region = rng.choices(_HOMES, _SHARES)[0]
    device = dict(_PHONE if rng.random() < 0.7 else _COMPUTER)
    where = {"region_by_phone": region, "region_by_ip": region, "country_by_phone": country, "country_by_ip": country}
    languages = [language] if language == "EN" or rng.random() < 0.6 else [language, "EN"]
    verified = {skills.LANGUAGES[one]: 100 for one in languages if one in skills.LANGUAGES and rng.random() < 0.5}
    return add(
        market,
        {
            "country": country,
            "citizenship": country,
            "languages": languages,
            "city": region,
            "gender": rng.choice(("MALE", "FEMALE")),
            "education": rng.choice(("BASIC", "MIDDLE", "HIGH")),
            "date_of_birth": int(market.now.timestamp()) - rng.randrange(18, 60) * 31_557_600,
            "adult_allowed": rng.random() < 0.8,
            "verified": rng.random() < 0.9,
            "attributes": {**device, **where},
            "skills": verified,
            "quality": rng.betavariate(5, 2) * 100,
        },
    )
