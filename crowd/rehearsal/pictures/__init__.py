"""Procedural photos with a known truth: no third-party pictures, no privacy question."""

from .hands import SIGNS
from .scene import draw, expected_truth, scaled, scene, template
from .staging import Setting
from .truth import GESTURE, NO_GESTURE, Picture, Truth, TruthBox

__all__ = [
    "GESTURE",
    "NO_GESTURE",
    "SIGNS",
    "Picture",
    "Setting",
    "Truth",
    "TruthBox",
    "draw",
    "expected_truth",
    "scaled",
    "scene",
    "template",
]
