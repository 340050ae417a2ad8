"""What people read and get, and who is let in: a HIT type for every price."""

from collections.abc import Mapping
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from django.conf import settings

from crowd.audience import Audience
from crowd.errors import Invalid
from crowd.links import hosted_url
from crowd.models import Account
from crowd.platforms.base import BatchSpec
from crowd.platforms.mturk import exams
from crowd.platforms.mturk.amounts import CENT, amount
from crowd.platforms.mturk.client import Client, Json
from crowd.platforms.mturk.marks import NO_SKILL, Mark, Tier, ensure_skill

APPROVED_PERCENT: Final = "000000000000000000L0"
APPROVED_NUMBER: Final = "00000000000000000040"
LOCALE: Final = "00000000000000000071"
ADULT: Final = "00000000000000000060"
LONGEST_TITLE, LONGEST_ABOUT = 128, 2_000
REVIEW_DAYS: Final = 30
MOST_REQUIREMENTS, MOST_COUNTRIES = 10, 30
ENOUGH_WORK: Final = 100
"""Before so many approved HITs MTurk counts everybody as approved in full."""
SCHEMA: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
KEYWORDS: Mapping[str, str] = {
    "photo": "photo, picture, camera, phone",
    "choice": "image, photo, check, yes, no",
    "boxes": "image, photo, box, draw, annotation",
    "link": "link, video, photo, upload",
}


def question(batch_key: str) -> str:
    """Return the question of every HIT: our own page, as high as the worker's window."""
    url = escape(hosted_url("mturk", batch_key))
    return (
        f'<ExternalQuestion xmlns="{SCHEMA}"><ExternalURL>{url}</ExternalURL>'
        "<FrameHeight>0</FrameHeight></ExternalQuestion>"
    )


def tiers_of(batch: BatchSpec) -> tuple[Tier, ...]:
    """Return who is paid how much, as ranges of a skill that do not overlap; the first is for those without it."""
    base = Tier(NO_SKILL, NO_SKILL, batch.price_micro)
    if not batch.price_table or not batch.price_skill:
        return (base,)
    steps = groupby(range(101), lambda value: _price_at(batch, value))
    runs = [(price, list(values)) for price, values in steps]
    return (base, *(Tier(values[0], values[-1], price) for price, values in runs))


def _price_at(batch: BatchSpec, value: int) -> int:
    return next((price for low, high, price in batch.price_table if low <= value <= high), batch.price_micro)


def ensure_types(client: Client, mark: Mark, batch: BatchSpec) -> tuple[Tier, ...]:
    """Make the HIT type of every tier; equal values are the same type, so this may be repeated."""
    common = [*_bans(mark), *exams.gate_of(client, batch), *_people(client, batch.audience)]
    skill = ensure_skill(client, batch.price_skill) if batch.price_table and batch.price_skill else ""
    return tuple(
        Tier(tier.low, tier.high, tier.price_micro, _type(client, batch, tier, [*common, *_within(tier, skill)]))
        for tier in tiers_of(batch)
    )


def _type(client: Client, batch: BatchSpec, tier: Tier, requirements: list[Json]) -> str:
    if len(requirements) > MOST_REQUIREMENTS:
        raise Invalid({"audience": f"{len(requirements)} conditions are more than the {MOST_REQUIREMENTS} of MTurk"})
    made = client.call(
        "create_hit_type",
        Title=batch.title[:LONGEST_TITLE] or batch.key[:LONGEST_TITLE],
        Description=_about(batch),
        Keywords=KEYWORDS.get(batch.interface, "image"),
        Reward=amount(tier.price_micro),
        AssignmentDurationInSeconds=max(30, batch.assignment_seconds),
        AutoApprovalDelayInSeconds=min(REVIEW_DAYS, batch.review_days) * 86_400,
        QualificationRequirements=requirements,
    )
    return str(made["HITTypeId"])


def _about(batch: BatchSpec) -> str:
    lines = [str(line).rstrip(".") for line in batch.spec.get("instructions", [])]
    return ". ".join([*lines, f"{batch.page_size} tasks on one page"])[:LONGEST_ABOUT]


def _bans(mark: Mark) -> list[Json]:
    return [_needed(one, "DoesNotExist", guards="DiscoverPreviewAndAccept") for one in (mark.id, mark.project)]


def _within(tier: Tier, skill: str) -> list[Json]:
    """Let each see only the price that is meant for them."""
    guards = "DiscoverPreviewAndAccept"
    if not skill:
        return []
    if tier.low == NO_SKILL:
        return [_needed(skill, "DoesNotExist", guards=guards)]
    return [
        _needed(skill, "GreaterThanOrEqualTo", tier.low, guards=guards),
        _needed(skill, "LessThanOrEqualTo", tier.high, guards=guards),
    ]


def _needed(type_id: str, comparator: str, *values: int, guards: str = "Accept") -> Json:
    numbers = {"IntegerValues": list(values)} if values else {}
    return {"QualificationTypeId": type_id, "Comparator": comparator, "ActionsGuarded": guards, **numbers}


def _people(client: Client, audience: Audience) -> list[Json]:
    wanted: list[Json] = []
    if audience.countries:
        places = [{"Country": country} for country in audience.countries]
        wanted.append({**_needed(LOCALE, "In"), "LocaleValues": places})
    if audience.top_percent is not None:
        wanted.append(_needed(APPROVED_PERCENT, "GreaterThanOrEqualTo", least_approved(audience.top_percent)))
        wanted.append(_needed(APPROVED_NUMBER, "GreaterThanOrEqualTo", ENOUGH_WORK))
    if audience.adult_content:
        wanted.append(_needed(ADULT, "EqualTo", 1))
    for one in audience.skills:
        skill = ensure_skill(client, one.skill)
        wanted.append(_needed(skill, "GreaterThanOrEqualTo", one.low))
        wanted += [_needed(skill, "LessThanOrEqualTo", one.high)] if one.high < 100 else []
    return wanted


def least_approved(top_percent: int) -> int:
    """Return the share of approved work that stands for "the best so many percent": there is no ranking to ask for."""
    return 100 - top_percent // 10


def lacks(account: Account, batch: BatchSpec) -> list[str]:
    """Return in sentences what of a plan MTurk cannot do."""
    return [*_prices(batch), *_audience(batch.audience), *_rest(batch), *_address(account)]


def _prices(batch: BatchSpec) -> list[str]:
    if all(tier.price_micro >= CENT and tier.price_micro % CENT == 0 for tier in tiers_of(batch)):
        return []
    return ["A page on MTurk costs whole cents, at least one."]


def _audience(audience: Audience) -> list[str]:
    said = []
    if audience.languages or audience.regions or audience.devices:
        said.append("MTurk chooses people by country, not by language, region or device.")
    if audience.top_percent is not None:
        said.append(
            f"MTurk knows no ranking: the best {audience.top_percent} % are those with at least "
            f"{least_approved(audience.top_percent)} % approved of at least {ENOUGH_WORK} tasks."
        )
    if audience.best_n is not None:
        said.append("MTurk cannot choose the best N people; a share of approved work can be asked for.")
    if len(audience.countries) > MOST_COUNTRIES:
        said.append(f"MTurk takes at most {MOST_COUNTRIES} countries, not {len(audience.countries)}.")
    return said


def _rest(batch: BatchSpec) -> list[str]:
    said = []
    if batch.review_days > REVIEW_DAYS:
        said.append(f"MTurk approves by itself after {REVIEW_DAYS} days, not after {batch.review_days}.")
    if batch.priority:
        said.append("MTurk knows no priority among HITs.")
    return said


def _address(account: Account) -> list[str]:
    """MTurk frames our page, and shows no page without TLS; a stand-in on this machine does."""
    if account.base_url or urlsplit(settings.BASE_URL).scheme == "https":
        return []
    return [f"Workers' browsers show our page only under https, but this server is {settings.BASE_URL}."]
