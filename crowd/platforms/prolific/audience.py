"""Who may take a study: our audience in Prolific's filters, which name their choices by numbers of their own.

https://docs.prolific.com/api-reference/filters/filters-overview
"""

from collections.abc import Sequence

from django.conf.locale import LANG_INFO

from crowd.audience import Audience
from crowd.errors import Invalid
from crowd.platforms.prolific.client import Client, Json

COUNTRY, LANGUAGE = "current-country-of-residence", "fluent-languages"
ALLOWED, BARRED = "participant_group_allowlist", "participant_group_blocklist"
DEVICES = {"PERSONAL_COMPUTER": "desktop", "SMARTPHONE": "mobile", "TABLET": "tablet"}
COUNTRIES = {
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "BR": "Brazil",
    "CA": "Canada",
    "CH": "Switzerland",
    "CL": "Chile",
    "CO": "Colombia",
    "CZ": "Czech Republic",
    "DE": "Germany",
    "DK": "Denmark",
    "EE": "Estonia",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "GR": "Greece",
    "HU": "Hungary",
    "IE": "Ireland",
    "IL": "Israel",
    "IN": "India",
    "IS": "Iceland",
    "IT": "Italy",
    "JP": "Japan",
    "KE": "Kenya",
    "KR": "Korea",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "LV": "Latvia",
    "MX": "Mexico",
    "MY": "Malaysia",
    "NG": "Nigeria",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SE": "Sweden",
    "SG": "Singapore",
    "SI": "Slovenia",
    "SK": "Slovakia",
    "TR": "Turkey",
    "UA": "Ukraine",
    "US": "United States",
    "ZA": "South Africa",
}


def language_name(code: str) -> str | None:
    """Return the English name of an ISO 639-1 code."""
    found = LANG_INFO.get(code.lower(), {})
    name = found.get("name")
    return str(name) if name else None


def devices(asked: Audience) -> list[str]:
    """Return what a study runs on; nothing said = everything."""
    return [DEVICES[one] for one in asked.devices if one in DEVICES] or list(DEVICES.values())


def lacks(asked: Audience) -> list[str]:
    """Return in sentences who cannot be asked for."""
    said = []
    if asked.top_percent is not None or asked.best_n is not None:
        said.append("Prolific cannot choose the best workers by itself: ask for a skill instead.")
    if asked.adult_content:
        said.append("Prolific is not asked for people who accept adult content: warn of it in title and conditions.")
    if asked.regions:
        said.append("Prolific knows no regions: ask for countries.")
    if strange := [code for code in asked.countries if code not in COUNTRIES]:
        said.append(f"Prolific is not known to have people in {', '.join(strange)}.")
    if strange := [code for code in asked.languages if language_name(code) is None]:
        said.append(f"{', '.join(strange)} is no language by its two letters, such as EN.")
    if strange := [one for one in asked.devices if one not in DEVICES]:
        said.append(f"Prolific has no devices called {', '.join(strange)}; there are {', '.join(DEVICES)}.")
    return said


def chosen_people(client: Client, asked: Audience) -> list[Json]:
    """Return the filters for countries and languages."""
    wanted = {
        COUNTRY: [COUNTRIES.get(code, code) for code in asked.countries],
        LANGUAGE: [language_name(code) or code for code in asked.languages],
    }
    if not any(wanted.values()):
        return []
    known = {one["filter_id"]: one.get("choices") or {} for one in client.each("filters")}
    return [
        {"filter_id": name, "selected_values": [_choice(name, title, known.get(name, {})) for title in titles]}
        for name, titles in wanted.items()
        if titles
    ]


def _choice(name: str, title: str, choices: dict[str, str]) -> str:
    for number, text in choices.items():
        if text.lower() == title.lower():
            return number
    raise Invalid({name: f"Prolific has no {title!r} there; take it out of who may work"})


def groups_filter(name: str, ids: Sequence[str]) -> list[Json]:
    return [{"filter_id": name, "selected_values": list(ids)}] if ids else []
