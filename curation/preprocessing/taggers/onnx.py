from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from .base import MODEL, Colours, Tag, View, Views
from .registry import BadTagger

Floats = npt.NDArray[np.float32]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Kind = Literal["classes", "labels", "boxes"]


class OnnxTagger:
    """Says what an operator's ONNX model sees; needs the extra `onnx`. No model is shipped.

    The input is one float tensor of shape (1, 3, size, size), RGB, (value / 255 - mean) / std.
    `kind` says what comes out:
    "classes" - one row of scores, of which one class is right (softmax unless they are probabilities);
    "labels"  - one row of scores, each label for itself (sigmoid unless they are probabilities);
    "boxes"   - outputs named boxes (n, 4: left, top, right, bottom in pixels of the input), scores (n), labels (n).
    The `top` surest labels from `least_score` on become tags under `key`; a later rule may ask for fewer.
    """

    needs: frozenset[View] = frozenset({View.RGB})

    def __init__(
        self,
        *,
        name: str,
        model: str,
        labels: str,
        kind: Kind = "classes",
        key: str = "label",
        size: int = 224,
        fit: Literal["crop", "squash"] = "crop",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        top: int = 5,
        least_score: float = 0.0,
        cost_ms: float = 100.0,
    ) -> None:
        """Read the labels, one a line; the model is loaded with the first picture. Raises BadTagger."""
        self.name, self.kind, self.key, self.size, self.fit = name, kind, key, size, fit
        self.top, self.least_score, self.cost_ms = top, least_score, cost_ms
        self._mean, self._std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        self._model = Path(model)
        given = [kind, key, size, fit, list(mean), list(std), top, least_score]
        try:
            self.labels = [
                line.strip() for line in Path(labels).read_text(encoding="utf-8").splitlines() if line.strip()
            ]
            with self._model.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise BadTagger(f"{name}: {error.filename} cannot be read: {error.strerror}") from None
        digest.update(json.dumps([given, self.labels]).encode())
        self.version = digest.hexdigest()[:16]

    def tags(self, views: Views) -> list[Tag]:
        given = self._input(views.rgb)
        outputs = self._session.run(None, {self._session.get_inputs()[0].name: given})
        named = dict(zip((one.name for one in self._session.get_outputs()), outputs, strict=True))
        return self._boxes(named) if self.kind == "boxes" else self._scores(np.asarray(outputs[0], np.float32))

    @cached_property
    def _session(self) -> Any:
        try:
            import onnxruntime
        except ImportError:
            raise BadTagger(
                f"{self.name}: onnxruntime is not installed; run: .venv/bin/pip install 'onnxruntime>=1.20'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the processes of the product share the cores
        try:
            return onnxruntime.InferenceSession(
                str(self._model), options, providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # noqa: BLE001  the library's own errors have no common base
            raise BadTagger(f"{self.name}: {self._model.name} is no model that can be run: {error}") from None

    def _input(self, rgb: Colours) -> Floats:
        pixels = cv2.resize(self._cut(rgb), (self.size, self.size), interpolation=cv2.INTER_AREA)
        scaled = (np.asarray(pixels, np.float32) / 255 - self._mean) / self._std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], dtype=np.float32)

    def _cut(self, rgb: Colours) -> Colours:
        if self.fit == "squash" or self.kind == "boxes":
            return rgb
        height, width = rgb.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return np.ascontiguousarray(rgb[top : top + side, left : left + side])

    def _scores(self, output: Floats) -> list[Tag]:
        scores = output.reshape(-1)
        if len(scores) != len(self.labels):
            raise BadTagger(
                f"{self.name}: the model gives {len(scores)} scores, but there are {len(self.labels)} labels"
            )
        sure = _softmax(scores) if self.kind == "classes" else _sigmoid(scores)
        best = np.argsort(-sure, kind="stable")[: self.top]
        return [self._tag(int(one), float(sure[one])) for one in best if sure[one] >= self.least_score]

    def _boxes(self, named: dict[str, Any]) -> list[Tag]:
        try:
            boxes, scores, labels = (np.asarray(named[part]) for part in ("boxes", "scores", "labels"))
        except KeyError as error:
            raise BadTagger(f"{self.name}: a model of kind boxes needs an output named {error}") from None
        rows = boxes.reshape(-1, 4) / self.size
        found = sorted(zip(scores.reshape(-1), labels.reshape(-1), rows, strict=True), key=lambda one: -float(one[0]))
        return [
            self._tag(int(label), float(score), _clipped(row))
            for score, label, row in found
            if score >= self.least_score
        ][: self.top]

    def _tag(self, label: int, score: float, box: tuple[float, float, float, float] | None = None) -> Tag:
        if not 0 <= label < len(self.labels):
            raise BadTagger(f"{self.name}: the model names label {label}, but there are {len(self.labels)} labels")
        return Tag(self.key, self.labels[label], MODEL, round(min(1.0, max(0.0, score)), 4), box=box)


def _are_probabilities(scores: Floats) -> bool:
    return bool((scores >= 0).all() and (scores <= 1).all())


def _softmax(scores: Floats) -> Floats:
    if _are_probabilities(scores) and abs(float(scores.sum()) - 1) < 0.01:
        return scores
    grown = np.exp(scores - scores.max())
    return np.asarray(grown / grown.sum(), np.float32)


def _sigmoid(scores: Floats) -> Floats:
    return scores if _are_probabilities(scores) else np.asarray(1 / (1 + np.exp(-scores)), np.float32)


def _clipped(row: Any) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(min(1.0, max(0.0, side))) for side in row)
    return round(left, 4), round(top, 4), round(max(0.0, right - left), 4), round(max(0.0, bottom - top), 4)
