"""The text format of Prometheus. Pure. Labels are our own words and numbers, never what people typed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WORD = re.compile(r"[A-Za-z0-9_.:/<>*+-]{0,80}")


@dataclass(slots=True)
class Family:
    """All samples of one name. A counter's name ends in `_total`."""

    name: str
    help: str
    kind: Literal["gauge", "counter"] = "gauge"
    samples: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> Self:
        """Add a sample; a label that is no plain word is written as `other`."""
        plain = {name: text if WORD.fullmatch(text) else "other" for name, text in labels.items()}
        self.samples.append((plain, value))
        return self


def exposition(families: Iterable[Family]) -> str:
    return "".join(line for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {family.help}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for labels, value in family.samples:
        told = ",".join(f'{name}="{text}"' for name, text in labels.items())
        number = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        yield f"{family.name}{{{told}}} {number}\n" if told else f"{family.name} {number}\n"
