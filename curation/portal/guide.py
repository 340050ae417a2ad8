"""What goes with the instructions of a task: pictures that are right and wrong, and a video that shows how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crowd.authored import told
from curation.portal.links import Links


@dataclass(frozen=True, slots=True)
class Example:
    picture: str
    is_good: bool
    words: str


@dataclass(frozen=True, slots=True)
class Guide:
    examples: tuple[Example, ...] = ()
    video: str = ""

    def __bool__(self) -> bool:
        return bool(self.examples or self.video)


def guide_of(spec: Mapping[str, Any], links: Links, answer_id: int) -> Guide:
    """Read a spec's `examples` (key, good, text) and `video_key`; any task of the page leads to them."""
    examples = tuple(
        Example(links.picture(answer_id, f"example-{number}"), bool(one.get("good")), told(one.get("text")))
        for number, one in enumerate(spec.get("examples", []), start=1)
    )
    return Guide(examples, links.picture(answer_id, "video") if spec.get("video_key") else "")
