"""Slips are set aside before anybody is asked to agree: whole answers, dots, boxes drawn twice."""

from dataclasses import dataclass

from aggregation.boxes.attempt import removal
from aggregation.boxes.hard import duplicates
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, counted
from aggregation.core.answers import TraceStep


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The answers and boxes that may count after the slips are set aside, and what was set aside."""

    members: tuple[int, ...]
    boxes: tuple[int, ...]
    steps: tuple[TraceStep, ...]


def clean(sheet: Sheet, settings: BoxSettings) -> Cleaned:
    """Set whole answers aside that cannot be a vote, then remove dots, then boxes drawn twice."""
    aside = sheet.contradictory | sheet.void
    members = tuple(index for index in range(len(sheet.annotators)) if index not in aside)
    theirs = [box for box, owner in enumerate(sheet.owners) if owner not in aside]
    dots = [box for box in theirs if box in sheet.dots]
    solid = [box for box in theirs if box not in sheet.dots]
    doubles = duplicates(sheet, solid, settings)
    steps = _aside(sheet)
    steps += [removal("soft.dots", sheet, dots)] if dots else []
    steps += [removal("soft.duplicates", sheet, doubles)] if doubles else []
    return Cleaned(members, tuple(box for box in solid if box not in set(doubles)), tuple(steps))


def _aside(sheet: Sheet) -> list[TraceStep]:
    reasons = (
        (sheet.contradictory, "says nothing is there and draws boxes"),
        (sheet.void - sheet.contradictory, "has nothing but dots or boxes outside"),
    )
    return [
        TraceStep(
            "soft.dots",
            ok=True,
            text=f"soft.dots: set aside the answer of {sheet.annotators[index]}, which {why}",
            data={"annotators": (sheet.annotators[index],)},
        )
        for indices, why in reasons
        for index in sorted(indices)
    ]


def too_few(cleaned: Cleaned, settings: BoxSettings) -> TraceStep:
    """Return the step that drops an image with too few answers that may count."""
    valid = counted(len(cleaned.members), "valid answer", "valid answers")
    return dropping("few", f"{valid}, at least {settings.min_answers} needed")


def dropping(reason: str, words: str) -> TraceStep:
    """Return the step that names the reason of a drop."""
    return TraceStep(f"drop.{reason}", ok=False, text=f"drop.{reason}: {words}", data={"reason": reason})
