"""The two sides of a forecast as lines of tables."""

from dataclasses import dataclass
from fractions import Fraction

from django import template

from crowd.money import money_text
from crowd.quality.wording import percent
from curation.dashboard.forecast_facts import Side, Sides
from curation.services.overview.words import NOBODY_KNOWS, range_words

register = template.Library()
EACH = 4  # decimals of the price of one image


@dataclass(frozen=True, slots=True)
class Line:
    """One number of both sides. `change` is the difference where there is one to tell, `tone` says if it is better."""

    title: str
    note: str
    now: str
    usual: str = ""
    change: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    title: str
    n: int
    answers: str
    as_is: int
    fewer: int
    usual: int | None


@register.filter
def whole_number(text: str) -> str:
    return f"{int(text):,}"


@register.filter
def lines(found: Sides) -> list[Line]:
    """Return cost, prices of an image, time, work and quality."""
    now, usual = found.asked, found.usual
    table = now.forecast.comparison.with_aggregation
    old = usual.forecast.comparison.with_aggregation if usual else None
    return [
        Line("Cost", "with aggregation", *_money(table.total_micro, old.total_micro if old else None, 2)),
        Line("Between", "in 9 of 10 such campaigns", _interval(now), _interval(usual)),
        Line(
            "Per delivered image",
            "all that is paid over what comes out",
            *_money(table.per_delivered_micro, old.per_delivered_micro if old else None, EACH),
        ),
        Line(
            "Sum of unit prices",
            "of an image that is never lost",
            *_money(table.unit_sum_micro, old.unit_sum_micro if old else None, EACH),
        ),
        Line("Time", "half of such campaigns by the first, nine in ten by the second", _time(now), _time(usual)),
        Line("Work of people", "hours of all of them together", _hours(now), _hours(usual)),
        *_quality(now, usual),
    ]


@register.filter
def sheet(found: Sides) -> list[SheetRow]:
    """Return the stages as they are and with aggregation; the same rows on both sides."""
    pairs = found.asked.forecast.comparison.pairs
    rows = found.usual.forecast.comparison.with_aggregation.rows if found.usual else ()
    usual = {row.stage: row.micro for row in rows}
    return [
        SheetRow(before.title, now.n, f"{float(now.answers):.2f}", before.micro, now.micro, usual.get(now.stage))
        for before, now in pairs
    ]


def _money(now: Fraction | int | None, usual: Fraction | int | None, places: int) -> tuple[str, str, str, str]:
    if now is None or usual is None:
        return _price(now, places), _price(usual, places), "", ""
    more = now - usual
    if not round(more):
        return _price(now, places), _price(usual, places), "the same", "muted"
    sign, tone = ("+", "bad-text") if more > 0 else ("−", "ok-text")
    return _price(now, places), _price(usual, places), f"{sign}{_price(abs(Fraction(more)), places)}", tone


def _price(micro: Fraction | int | None, places: int) -> str:
    return NOBODY_KNOWS if micro is None else money_text(round(micro), places)


def _interval(side: Side | None) -> str:
    if side is None or side.forecast.interval is None:
        return NOBODY_KNOWS
    low, high = (money_text(micro) for micro in side.forecast.interval)
    return f"{low}–{high.removeprefix('$')}"


def _time(side: Side | None) -> str:
    return range_words(side.forecast.time) if side and side.forecast.time else NOBODY_KNOWS


def _hours(side: Side | None) -> str:
    return f"{side.human_hours:,.0f} h" if side and side.human_hours is not None else NOBODY_KNOWS


def _quality(now: Side, usual: Side | None) -> list[Line]:
    old = usual.quality if usual else None
    found = [_share("People right", "behind the exam, one answer", now.quality.people, old.people if old else None)]
    found.append(
        _share("Only clicking", "of those who pass the exam", now.quality.clickers, old.clickers if old else None, -1)
    )
    if now.quality.checks:
        before = old.checks.right if old and old.checks else None
        found.append(_share("Checks right", "after the majority", now.quality.checks.right, before))
    if now.quality.drawings:
        before = old.drawings.undecided if old and old.drawings else None
        note = "where five drawings do not agree"
        found.append(_share("Boxes for a reviewer", note, now.quality.drawings.undecided, before, -1))
    elif now.quality.drawn:
        usual_share = percent(old.drawings.undecided) if old and old.drawings else NOBODY_KNOWS
        note = "not known: simulated for three people at first and five at most"
        found.append(Line("Boxes for a reviewer", note, NOBODY_KNOWS, usual_share))
    return found


def _share(title: str, note: str, now: float, usual: float | None, good: int = 1) -> Line:
    if usual is None:
        return Line(title, note, percent(now), NOBODY_KNOWS)
    more = 100 * (now - usual)
    if abs(more) < 0.05:
        return Line(title, note, percent(now), percent(usual), "the same", "muted")
    return Line(
        title, note, percent(now), percent(usual), f"{more:+.1f} points".replace("-", "−"),
        "ok-text" if more * good > 0 else "bad-text",
    )  # fmt: skip
