"""The publication package: what must be in order before a version leaves the house, and the figures on its card."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, F
from django.db.models.functions import Coalesce

from crowd.errors import CrowdError
from crowd.models import Worker
from curation.datasets.formats.base import About
from curation.models import Asset, DatasetVersion
from curation.preprocessing.taggers.light import BRIGHT, DARK
from curation.services import publish_filters
from curation.services.asset_query import matching, parse
from curation.services.export_records import about_of

FORMAT: Final = "package"
KEPT_APART: Final = ("worker", "video", "subject", "same_file")
STATED: Final = ("age", "gender", "distance", "place", "weather")
"""Tags that the card names when images carry them, and says that nobody knows when not."""
FULL_HD: Final = (1920, 1080)


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of publishing; `sentence` says what holds, or what to do."""

    name: str
    is_met: bool
    sentence: str


class Contents(NamedTuple):
    """Contributors who agreed on our pages, all of them (a person counts once), and images without a licence."""

    agreed: int
    people: int
    unlicensed: int


def _holds(name: str, sentence: str) -> Check:
    return Check(name, is_met=True, sentence=sentence)


def _lacks(name: str, sentence: str) -> Check:
    return Check(name, is_met=False, sentence=sentence)


def checks(version: DatasetVersion, held: Contents) -> list[Check]:
    """Return everything that must hold before a version is packed for everybody."""
    return [_split(version), _leaks(version), _filters(version), _licence(version, held), _consent(version, held)]


def require_ready(version: DatasetVersion, format: str, now: datetime) -> None:
    """Refuse a package of a version that is not in order; other formats are for the house. Raises CrowdError.

    The publish filters take in what tags and workers have said since somebody looked.
    """
    if format != FORMAT:
        return
    publish_filters.suggest(project=version.project, by=None, now=now)
    lacking = [one.sentence for one in checks(version, contents_of(version)) if not one.is_met]
    if lacking:
        raise CrowdError(f"{version} cannot be published yet. {' '.join(lacking)}")


def _split(version: DatasetVersion) -> Check:
    by = set(version.splits.get("by", []))
    met = bool(version.splits.get("counts")) and bool(by & {"worker", "subject"})
    if met:
        return _holds("Parts", "It is split by who sent it.")
    return _lacks("Parts", "Split it so that nobody is in two parts.")


def _leaks(version: DatasetVersion) -> Check:
    found = {kind: version.splits.get("leaks", {}).get(kind) or 0 for kind in KEPT_APART}
    told = ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in found.items() if n)
    if told:
        return _lacks("Leaks", f"In more than one part: {told}; split it again.")
    return _holds("Leaks", "Nothing leaks.")


def _filters(version: DatasetVersion) -> Check:
    waiting, gone = publish_filters.waiting_and_removed(Asset.objects.filter(dataset_items__dataset=version))
    if waiting:
        return _lacks("Publish filters", f"{waiting:,} of its images wait for a person in the publish filters.")
    if gone:
        return _lacks("Publish filters", f"{gone:,} of its images were removed since; freeze a new version.")
    return _holds("Publish filters", "Nothing waits in the publish filters.")


def _licence(version: DatasetVersion, held: Contents) -> Check:
    if version.card.get("licence"):
        return _holds("Licence", f"What states no licence has that of the card: {version.card['licence']}.")
    if held.unlicensed:
        return _lacks(
            "Licence", f"{held.unlicensed:,} images have no licence: write one on the card, and freeze again."
        )
    return _holds("Licence", "Every image has a licence of its own.")


def _consent(version: DatasetVersion, held: Contents) -> Check:
    agreed, people = held.agreed, held.people
    if people == 0:
        return _holds("Consent", "No image was sent by the crowd.")
    another = _to_another_text(version)
    if agreed == people:
        return _holds("Consent", f"All {people:,} contributors have agreed.{another}")
    if version.card.get("consent"):
        said = f"{people - agreed:,} of {people:,} contributors agreed elsewhere; the card says by which terms."
        return _holds("Consent", said + another)
    return _lacks(
        "Consent",
        f"{people - agreed:,} of {people:,} contributors have no consent recorded here: state on the card "
        f"where and by which terms they agreed, and freeze again.{another}",
    )


def _to_another_text(version: DatasetVersion) -> str:
    images = Asset.objects.filter(dataset_items__dataset=version)
    earlier = matching(parse("consent:earlier"), project=version.project, among=images).order_by()
    accounts = Worker.objects.filter(pk__in=earlier.values_list(Coalesce("worker_id", "parent__worker_id")))
    people = accounts.aggregate(n=Count(Coalesce(-F("person_id"), F("pk")), distinct=True))["n"]
    if not people:
        return ""
    said = "of those who agreed did so to another text than the project shows now: consent:earlier finds them."
    return f" {people:,} {said}"


def contents_of(version: DatasetVersion) -> Contents:
    """Return who sent the images of a version, and how many state no licence."""
    query = """
        SELECT count(*) FILTER (WHERE agreed), count(*), (
            SELECT count(*) FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id
            WHERE i.dataset_id = %(version)s AND a.licence = ''
        ) FROM (
            SELECT bool_or(w.consented_at IS NOT NULL AND w.is_adult) AS agreed FROM curation_datasetitem i
            JOIN curation_asset a ON a.id = i.asset_id LEFT JOIN curation_asset v ON v.id = a.parent_id
            JOIN crowd_worker w ON w.id = coalesce(a.worker_id, v.worker_id)
            WHERE i.dataset_id = %(version)s GROUP BY coalesce(-w.person_id, w.id)
        ) told
    """
    with connection.cursor() as cursor:
        cursor.execute(query, {"version": version.pk})
        return Contents(*cursor.fetchone())


def about_for(version: DatasetVersion, format: str) -> About:
    """Return what an export is of; a package says the figures of the data set as well."""
    about = about_of(version)
    return replace(about, facts=facts_of(version, contents_of(version))) if format == FORMAT else about


# --- the figures on the card -----------------------------------------------------------------------------------------
def facts_of(version: DatasetVersion, held: Contents) -> tuple[tuple[str, str], ...]:
    """Return the figures of a version by name; what no data says reads “Not stated”."""
    told = _measured(version)
    agreed, people = held.agreed, held.people
    images = max(1, told["images"])
    light = " · ".join(f"{word} {told[word]:,}" for word in ("low", "normal", "bright") if told[word])
    facts = {
        "Images": f"{told['images']:,}",
        "Size": f"{size_words(told['bytes'])} as sent" if told["bytes"] else "",
        "Full HD or finer": f"{told['fine'] / images:.0%}",
        "Smallest and largest": f"{told['least']} to {told['most']} pixels" if told["most"] else "",
        "Classes": f"{len(version.counts.get('classes', {})):,}",
        "Subjects": f"{people:,}" if people else "",
        "Scenes": f"at least {max(people, told['scenes']):,}" if people or told["scenes"] else "",
        "Contributors who agreed on our pages": f"{agreed:,} of {people:,}" if people else "",
        "Light": light,
        **{name.capitalize(): text for name, text in _stated(version).items()},
        "Parts": " · ".join(f"{part} {n['images']:,}" for part, n in version.splits.get("counts", {}).items()),
        "Licences": " · ".join(told["licences"]) or str(version.card.get("licence", "")),
        "Sources": " · ".join(told["sources"]),
    }
    return tuple((name, text or "Not stated") for name, text in facts.items())


def size_words(size: int) -> str:
    """Return '3.4 GB', '50.8 MB' or '12 KB'."""
    for power, unit in ((9, "GB"), (6, "MB")):
        if size >= 10**power:
            return f"{size / 10**power:,.1f} {unit}"
    return f"{size / 1000:,.0f} KB" if size >= 1000 else f"{size:,} bytes"


def _measured(version: DatasetVersion) -> dict[str, Any]:
    query = """
        WITH not_by_crowd AS NOT MATERIALIZED (
            SELECT a.licence, a.source FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id
            WHERE i.dataset_id = %(version)s AND a.worker_id IS NULL
        )
        SELECT count(*) AS images, coalesce(sum(a.bytes), 0)::float8 AS bytes,
               count(*) FILTER (WHERE greatest(a.width, a.height) >= %(long)s AND least(a.width, a.height) >= %(short)s)
                   AS fine,
               min(a.width || ' × ' || a.height) FILTER (WHERE a.width * a.height = size.least) AS least,
               max(a.width || ' × ' || a.height) FILTER (WHERE a.width * a.height = size.most) AS most,
               count(*) FILTER (WHERE a.brightness < %(dark)s) AS low,
               count(*) FILTER (WHERE a.brightness >= %(dark)s AND a.brightness < %(bright)s) AS normal,
               count(*) FILTER (WHERE a.brightness >= %(bright)s) AS bright,
               count(DISTINCT a.parent_id) AS scenes,
               ARRAY(SELECT DISTINCT licence FROM not_by_crowd WHERE licence <> '' ORDER BY 1 LIMIT 8) AS licences,
               ARRAY(SELECT DISTINCT source FROM not_by_crowd WHERE source <> '' ORDER BY 1 LIMIT 8) AS sources
        FROM curation_datasetitem i JOIN curation_asset a ON a.id = i.asset_id,
             (SELECT min(b.width * b.height) AS least, max(b.width * b.height) AS most FROM curation_datasetitem j
              JOIN curation_asset b ON b.id = j.asset_id WHERE j.dataset_id = %(version)s) size
        WHERE i.dataset_id = %(version)s
    """
    long, short = FULL_HD
    told = {"version": version.pk, "long": long, "short": short, "dark": DARK, "bright": BRIGHT}
    with connection.cursor() as cursor:
        cursor.execute(query, told)
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone(), strict=True))


def _stated(version: DatasetVersion) -> dict[str, str]:
    """Return how the tags that cards name are spread, the commonest values first."""
    query = """
        SELECT t.key, t.value, count(DISTINCT t.asset_id) FROM curation_assettag t
        JOIN curation_tagrun r ON r.id = t.run_id AND r.is_current
        JOIN curation_datasetitem i ON i.asset_id = t.asset_id AND i.dataset_id = %s
        WHERE t.key = ANY(%s) GROUP BY 1, 2 ORDER BY 3 DESC, 2
    """
    found: dict[str, list[str]] = {name: [] for name in STATED}
    with connection.cursor() as cursor:
        cursor.execute(query, [version.pk, list(STATED)])
        for key, value, n in cursor.fetchall():
            found[key].append(f"{value} {n:,}")
    return {name: " · ".join(values[:8]) for name, values in found.items()}
