"""What the model remembers between pools, as values and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from aggregation.boxes.reliability.calibrate import AS_SAID, Calibration
from aggregation.boxes.reliability.finding import Finding
from aggregation.boxes.reliability.naming import Naming
from aggregation.boxes.reliability.placing_noise import WorkerNoise
from aggregation.boxes.reliability.sharing import Sharing
from aggregation.core.arrays import Floats
from aggregation.core.errors import BadInput
from aggregation.core.skills import WorkerSkill, accuracy_of

STRANGER = ""  # stands for everybody of whom nothing is known yet
DIGITS = 7  # significant, in JSON and in what resolving uses: a state read back gives the same results

_OF_WORKERS = ("found", "found_weight", "strays", "answers", "objects", "drawn")
_OF_CROWD = ("ease", "ease_weight", "counts", "stray_cells")


@dataclass(frozen=True, eq=False)
class ReliabilityState:
    """Skills of workers, rates of a crowd and calibration, as learnt by `fit_reliability`; empty at first."""

    VERSION: ClassVar[int] = 1  # of the document; another one is refused

    finding: Finding = field(default_factory=lambda: Finding.of(()))
    naming: Naming = field(default_factory=lambda: Naming.of((), ()))
    noise: WorkerNoise = field(default_factory=lambda: WorkerNoise.of(()))
    edges: tuple[float, ...] = ()  # pixels that part small, middle and large objects
    sharing: Sharing = field(default_factory=Sharing.nothing)
    box: Calibration = AS_SAID
    box_75: Calibration = AS_SAID
    image: Calibration = AS_SAID

    @property
    def workers(self) -> tuple[str, ...]:
        return self.finding.workers

    def skills(self) -> tuple[WorkerSkill, ...]:
        """Return one skill a worker, sorted by name.

        `n` answers; `accuracy` and `lower` of labels; `sensitivity`: share of the objects shown that the worker drew,
        drawn to .85 by ten objects; `false_marks`: boxes of no object an answer; `noise`: typical distance of an edge
        as a share of a box of 100 pixels; `confusion`: of labels, where there are several.
        """
        noise = self.noise.aligned(self.workers)
        spread = dict(zip(noise.workers, noise.spread.mean(axis=1).tolist(), strict=True))
        strays, confusions = self.finding.stray_rates.tolist(), self.naming.confusions()
        return tuple(
            replace(self._skill(row, name, confusion), false_marks=min(strays[row], 1.0), noise=spread[name])
            for row, (name, confusion) in enumerate(zip(self.workers, confusions, strict=True))
        )

    def _skill(self, row: int, name: str, confusion: Floats) -> WorkerSkill:
        finding, naming = self.finding, self.naming
        accuracy, lower, upper = accuracy_of(float(naming.right[row]), float(naming.votes[row]))
        return WorkerSkill(
            worker=name,
            n=round(float(finding.answers[row])),
            accuracy=accuracy,
            lower=lower,
            upper=upper,
            sensitivity=float((finding.drawn[row] + 8.5) / (finding.objects[row] + 10)),
            confusion=_named(confusion, naming.labels) if len(naming.labels) > 1 else None,
            adversarial=accuracy < 0.5,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the state as a JSON document with sorted keys."""
        noise = self.noise.to_json()
        finding, naming = self.finding, self.naming
        workers = {
            name: {
                **{key: getattr(finding, key)[row] for key in _OF_WORKERS},
                "right": naming.right[row],
                "votes": naming.votes[row],
                "edges": noise["workers"].get(name),
            }
            for row, name in enumerate(self.workers)
        }
        document = {
            "version": self.VERSION,
            "workers": workers,
            "crowd": {
                **{key: getattr(finding, key).tolist() for key in _OF_CROWD},
                "images": finding.images,
                "sizes": list(self.edges),
                "sharing": self.sharing.to_json(),
                "edges": noise["crowd"],
                "labels": dict(zip(naming.labels, naming.objects, strict=True)),
                "mistakes": naming.mistakes.tolist(),
            },
            "calibration": {name: getattr(self, name).to_json() for name in ("box", "box_75", "image")},
        }
        return {key: _rounded(document[key]) for key in sorted(document)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ReliabilityState":
        """Read what `to_json` wrote. Raises ValueError with a sentence for another version or a broken document."""
        if not isinstance(document, Mapping) or "version" not in document:
            raise BadInput("state of the reliability model: no version: expected what this library wrote")
        if document["version"] != cls.VERSION:
            raise BadInput(f"state of the reliability model: version {document['version']!r}: expected {cls.VERSION}")
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInput(
                f"state of the reliability model: broken at {error}: expected what this library wrote"
            ) from error

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> "ReliabilityState":
        workers, crowd = document["workers"], document["crowd"]
        names, labels = tuple(sorted(workers)), tuple(sorted(crowd["labels"]))
        rows = [workers[name] for name in names]
        columns = {key: np.array([float(row[key]) for row in rows]) for key in (*_OF_WORKERS, "right", "votes")}
        pool = {key: np.array(crowd[key], float).reshape(getattr(Finding.of(()), key).shape) for key in _OF_CROWD}
        naming = Naming(
            names,
            labels,
            columns.pop("right"),
            columns.pop("votes"),
            np.array(crowd["mistakes"], float).reshape(len(labels), len(labels)),
            np.array([float(crowd["labels"][name]) for name in labels]),
        )
        edges = {name: row["edges"] for name, row in workers.items() if row["edges"] is not None}
        return cls(
            finding=Finding(workers=names, images=float(crowd["images"]), **columns, **pool),
            naming=naming,
            noise=WorkerNoise.from_json({"workers": edges, "crowd": crowd["edges"]}),
            edges=tuple(float(size) for size in crowd["sizes"]),
            sharing=Sharing.from_json(crowd["sharing"]),
            **{name: Calibration.from_json(document["calibration"][name]) for name in ("box", "box_75", "image")},
        )

    def as_stored(self) -> "ReliabilityState":
        """Return the state as it comes back from JSON, so that a stored state resolves to the same bytes."""
        return self.from_json(self.to_json())


def _named(confusion: Floats, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    rows = zip(labels, confusion.tolist(), strict=True)
    return {true: dict(zip(labels, chances, strict=True)) for true, chances in rows}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    return value
