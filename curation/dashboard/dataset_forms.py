"""What the forms of data sets mean: a split, a card, an export."""

from typing import Any, Final

from django.http import HttpRequest

from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import DatasetVersion
from curation.services.cards import CardText
from curation.services.splits import TIES, USUAL_TIES, SplitPlan

FILES: Final = "{slug}-v{export.dataset.number}-{export.format}.zip"
SPLIT_FIELDS: Final = (("train", "Train", "80"), ("val", "Validation", "10"), ("test", "Test", "10"))
TIE_WORDS: Final = {
    "worker": "who sent it",
    "video": "the same video",
    "subject": "the same subject",
    "lookalike": "look-alikes",
}
PICTURES: Final = {"": "Pictures as sent", "1024": "At most 1,024 px", "512": "At most 512 px", "none": "No pictures"}


def split_shown(version: DatasetVersion | None) -> dict[str, Any]:
    """Return what the form of a split shows: how a version was split, or what is usual."""
    told = version.splits if version else {}
    shares = told.get("shares", {})
    if version is None or not shares or shares.keys() - {name for name, *_ in SPLIT_FIELDS}:
        return {"shares": SPLIT_FIELDS, "seed": "0", "by": USUAL_TIES}
    fields = [(name, words, f"{100 * shares.get(name, 0):g}") for name, words, _ in SPLIT_FIELDS]
    return {"shares": fields, "seed": str(told["seed"]), "by": told["by"], "as_in": version}


def split_plan(request: HttpRequest) -> SplitPlan:
    """Read shares in percent, a seed, and what must stay together."""
    shares = {name: _share(request, name) for name, *_ in SPLIT_FIELDS}
    seed = typed(request, "seed", 12) or "0"
    if not (seed.isascii() and seed.isdecimal()):
        raise CrowdError(f"The seed is a whole number, not {seed!r}.")
    by = tuple(name for name in request.POST.getlist("by") if name in TIES)
    return SplitPlan(
        by=by,
        shares={name: share for name, share in shares.items() if share},
        seed=int(seed),
        keep=request.POST.get("keep") == "yes",
    )


def _share(request: HttpRequest, name: str) -> float:
    text = typed(request, name, 12) or "0"
    try:
        share = float(text)
    except ValueError:
        raise CrowdError(f"The share of {name} is a number of percent, not {text!r}.") from None
    if not 0 <= share <= 100:
        raise CrowdError(f"The share of {name} is 0 to 100 %, not {text}.")
    return share


def card_fields(request: HttpRequest) -> CardText:
    def text(name: str) -> str:
        return request.POST.get(name, "").replace("\r\n", "\n")

    return CardText(
        title=text("title"),
        description=text("description"),
        licence=text("licence"),
        intended_use=text("intended_use"),
        limits=text("limits"),
        consent=text("consent"),
        citation=text("citation"),
        homepage=text("homepage"),
    )


def parts_of(version: DatasetVersion) -> list[tuple[str, dict[str, int]]]:
    """Return the parts of a version with their counts: the usual ones in their order, then others by name."""
    usual = [name for name, *_ in SPLIT_FIELDS]
    found: dict[str, dict[str, int]] = version.splits.get("counts", {})
    return sorted(found.items(), key=lambda part: (usual.index(part[0]) if part[0] in usual else len(usual), part[0]))


def side_of(request: HttpRequest) -> tuple[bool, int | None]:
    """Return whether pictures go with an export, and their longest side."""
    asked = request.POST.get("pictures", "")
    if asked not in PICTURES:
        raise CrowdError("Choose whether pictures go with the export, and how large.")
    return asked != "none", int(asked) if asked.isdecimal() else None


def since_of(request: HttpRequest, version: DatasetVersion) -> int | None:
    """Return the version from which changes are counted, if any was chosen."""
    text = typed(request, "since", 12)
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() else 0
    found = DatasetVersion.objects.frozen().filter(project_id=version.project_id, number=number).first()
    if found is None:
        raise CrowdError(f"There is no version {text[:12]} to count changes from.")
    return found.pk
