"""Shares with intervals and the drawings of the quality page: no script is needed for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crowd.quality.wording import whole_percent
from curation.services.overview.words import PERCENT
from curation.services.quality_facts.estimates import Bin, Calibration

register = template.Library()
NOBODY_KNOWS = "—"
SIDE, LEFT, TOP, RIGHT, BOTTOM = 240, 44, 12, 20, 40
STEPS, SURE_FROM = 5, 0.5
GOOD_ALPHA, FAIR_ALPHA = 0.8, 0.667


class WithInterval(Protocol):
    @property
    def share(self) -> float | None: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@register.filter
def between(found: WithInterval | None) -> str:
    """Return the 95 % interval as 0.6–6.6%."""
    return NOBODY_KNOWS if found is None else f"{_number(100 * found.low)}–{_number(100 * found.high)}{PERCENT}"


@register.filter
def range_of(pair: tuple[float, float] | None) -> str:
    """Return an interval of a figure that is no percentage, as 0.61 to 0.72."""
    return f"{pair[0]:.2f} to {pair[1]:.2f}" if pair else ""


@register.filter
def rate(found: WithInterval | None) -> str:
    return NOBODY_KNOWS if found is None or found.share is None else f"{100 * found.share:.1f}{PERCENT}"


@register.filter
def figure(value: float | str | None) -> str:
    """Return two decimals; what a missing report lacks arrives here as an empty text."""
    return f"{value:.2f}" if isinstance(value, float | int) else NOBODY_KNOWS


@register.filter
def alpha_words(value: float | None) -> str:
    """Say what a value of alpha is worth, by Krippendorff's own bounds."""
    if value is None:
        return "only one answer was ever given"
    return "reliable" if value >= GOOD_ALPHA else "fair" if value >= FAIR_ALPHA else "low"


@register.filter
def alpha_tone(value: float | None) -> str:
    if value is None:
        return ""
    return "ok" if value >= GOOD_ALPHA else "warn" if value >= FAIR_ALPHA else "bad"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}"


@register.simple_tag
def interval(found: WithInterval | None, top: float = 1.0) -> SafeString | str:
    """Draw a share as a dot on its interval, on a scale from 0 to `top`."""
    if found is None or found.share is None:
        return ""
    low, at, high = (f"{min(100.0, 100 * value / top):.2f}%" for value in (found.low, found.share, found.high))
    return format_html(
        '<svg class="interval" aria-hidden="true"><line class="scale" x1="0" x2="100%" y1="7" y2="7"/>'
        '<line class="range" x1="{}" x2="{}" y1="7" y2="7"/><circle cx="{}" cy="7" r="4"/></svg>',
        low,
        high,
        at,
    )


@register.simple_tag
def stacked(parts: Sequence[tuple[str, int]]) -> SafeString:
    """Draw counts as one bar whose pieces carry their names as classes."""
    whole = sum(n for _, n in parts) or 1
    starts = [sum(n for _, n in parts[:at]) for at in range(len(parts))]
    pieces = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%" height="100%"><title>{}: {}</title></rect>',
        (
            (name, f"{100 * start / whole:.2f}", f"{100 * n / whole:.2f}", name, f"{n:,}")
            for start, (name, n) in zip(starts, parts, strict=True)
            if n
        ),
    )
    return format_html('<svg class="stacked" aria-hidden="true">{}</svg>', pieces)


@register.simple_tag
def calibration_plot(found: Calibration) -> SafeString:
    """Draw predicted against measured: a dot a tenth, as large as it has images, with its interval."""
    axes = Axes(0.5 if min(one.predicted for one in found.bins) >= SURE_FROM else 0.0)
    most = max(one.right.n for one in found.bins)
    wide, high = LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM
    return format_html(
        '<svg class="calibration" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}'
        '<text x="{}" y="{}" class="axis" text-anchor="middle">predicted confidence</text></svg>',
        wide,
        high,
        f"Predicted confidence against what verdicts say, over {found.n:,} images",
        axes.grid(),
        format_html('<line class="ideal" x1="{0}" y1="{1}" x2="{2}" y2="{3}"/>', *axes.at(axes.start), *axes.at(1.0)),
        format_html_join("", "{}", ((_dot(one, most, axes),) for one in found.bins)),
        LEFT + SIDE / 2,
        high - 3,
    )


@dataclass(frozen=True, slots=True)
class Axes:
    """Both axes from `start` to 1: where every prediction is over one half, the lower half is left out."""

    start: float

    def x(self, value: float) -> float:
        return round(LEFT + SIDE * self._part(value), 1)

    def y(self, value: float) -> float:
        return round(TOP + SIDE * (1 - self._part(value)), 1)

    def at(self, value: float) -> tuple[float, float]:
        return self.x(value), self.y(value)

    def _part(self, value: float) -> float:
        return max(0.0, (value - self.start) / (1 - self.start))

    def grid(self) -> SafeString:
        left, right, low, high = self.x(self.start), self.x(1), self.y(self.start), self.y(1)
        steps = [self.start + (1 - self.start) * at / STEPS for at in range(STEPS + 1)]
        return format_html_join(
            "",
            '<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
            '<line class="grid" x1="{3}" x2="{4}" y1="{5}" y2="{5}"/>'
            '<text x="{0}" y="{6}" text-anchor="middle">{7}</text><text x="{8}" y="{9}" text-anchor="end">{7}</text>',
            (
                (self.x(at), low, high, left, right, self.y(at), low + 16, whole_percent(at), left - 6, self.y(at) + 4)
                for at in steps
            ),
        )


def _dot(one: Bin, most: int, axes: Axes) -> SafeString:
    share = one.right.share or 0.0
    return format_html(
        '<g><line class="range" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/><circle cx="{0}" cy="{3}" r="{4}"/>'
        "<title>{5}</title></g>",
        axes.x(one.predicted),
        axes.y(one.right.low),
        axes.y(one.right.high),
        axes.y(share),
        f"{3 + 5 * (one.right.n / most) ** 0.5:.1f}",
        f"predicted {whole_percent(one.predicted)}, right {whole_percent(share)} of {one.right.n:,}",
    )
