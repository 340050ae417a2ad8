"""Every tagger keeps the contract; what they say is true of drawn pictures."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.preprocessing.decode import Camera
from curation.preprocessing.taggers import registry
from curation.preprocessing.taggers.base import Light, Tag, Tagger, View, Views
from curation.preprocessing.taggers.looking import Picture
from curation.preprocessing.taggers.registry import BadTagger, Setup

FIELDS = {
    "width": View.SIZE,
    "height": View.SIZE,
    "light": View.LIGHT,
    "grey": View.GREY,
    "rgb": View.RGB,
    "camera": View.CAMERA,
    "tables": View.TABLES,
    "before": View.BEFORE,
}
EVERYTHING = frozenset(View)


def here(work, *arguments: object):
    return work(*arguments)


def encoded(pixels: np.ndarray, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, form, **options)
    return out.getvalue()


def views(pixels: np.ndarray, before: np.ndarray | None = None, **options: object) -> Views:
    earlier = None if before is None else Picture(lambda: encoded(before), here)
    return Picture(lambda: encoded(pixels, **options), here).views(EVERYTHING, before=earlier)


def noise(width: int = 640, height: int = 360, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 255, (height // 20, width // 20, 3)), np.ones((20, 20, 1)))


def flat(level: int, width: int = 640, height: int = 360) -> np.ndarray:
    return np.full((height, width, 3), level)


PICTURES = {
    "textured": noise(),
    "black": flat(0),
    "white": flat(255),
    "one pixel high": flat(90, 640, 1),
    "one pixel": flat(90, 1, 1),
    "upright": noise(360, 640),
    "grey": np.repeat(noise()[:, :, :1], 3, axis=2),
}


def said(name: str, seen: Views) -> dict[str, Tag]:
    return {tag.key: tag for tag in registry.load([name])[name].tags(seen)}


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("what", PICTURES)
def test_a_tagger_keeps_the_contract(name: str, what: str) -> None:
    tagger = registry.load([name])[name]
    assert isinstance(tagger, Tagger)
    assert tagger.name == name
    assert tagger.version
    assert tagger.cost_ms > 0
    seen = views(PICTURES[what], before=PICTURES[what])
    first, second = list(tagger.tags(seen)), list(tagger.tags(seen))
    assert first == second
    for tag in first:
        assert 0 < len(tag.key) <= 40
        assert 0 < len(tag.value) <= 120
        assert tag.source in {"model", "rule", "heuristic"}
        assert 0 <= tag.score <= 1
        assert tag.number is None or np.isfinite(tag.number)
        assert tag.box is None or all(0 <= side <= 1 for side in tag.box)


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_a_tagger_looks_at_nothing_it_did_not_ask_for(name: str) -> None:
    tagger = registry.load([name])[name]
    tree = ast.parse(textwrap.dedent(inspect.getsource(type(tagger))))
    read = {
        FIELDS[node.attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "views"
    }
    assert read == tagger.needs


def test_size_is_said_in_words_either_way_round() -> None:
    wide = said("shape", views(noise(1920, 1080)))
    assert {key: tag.value for key, tag in wide.items()} == {
        "resolution": "Full HD",
        "aspect": "16:9",
        "orientation": "landscape",
    }
    assert said("shape", views(noise(720, 1280)))["orientation"].value == "portrait"
    assert said("shape", views(noise(720, 1280)))["resolution"].value == "HD"
    assert said("shape", views(flat(9, 100, 100)))["orientation"].value == "square"


@pytest.mark.parametrize(("level", "word"), [(3, "pitch dark"), (30, "dark"), (120, "normal"), (240, "bright")])
def test_lighting_follows_the_brightness(level: int, word: str) -> None:
    assert said("light", views(flat(level)))["lighting"].value == word


def test_a_blurred_picture_is_called_blurred() -> None:
    soft = np.asarray(Image.fromarray(noise().astype(np.uint8)).resize((24, 14)).resize((640, 360)))
    assert said("light", views(noise()))["blurriness"].value == "sharp"
    assert said("light", views(soft))["blurriness"].value == "blurred"


def test_colour_and_grey_are_told_apart() -> None:
    bright, grey = said("colour", views(PICTURES["textured"])), said("colour", views(PICTURES["grey"]))
    assert (bright["greyscale"].value, grey["greyscale"].value) == ("no", "yes")
    assert bright["colourfulness"].value == "vivid"
    assert grey["saturation"].value == "pale"


def test_an_empty_picture_has_no_texture() -> None:
    empty = said("texture", views(flat(128)))
    assert (empty["entropy"].value, empty["contours"].value) == ("low", "few")
    assert empty["entropy"].number == 0


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    tag = said("jpeg", views(noise(), quality=quality))["jpeg quality"]
    assert tag.number == pytest.approx(quality, abs=2)


def test_other_formats_and_frames_have_no_jpeg_quality() -> None:
    assert not said("jpeg", views(noise(), form="PNG"))
    frame = Picture(lambda: encoded(noise()), here).views(EVERYTHING, is_frame=True)
    assert not said("jpeg", frame)


@pytest.mark.parametrize(
    ("taken", "part"),
    [
        ("2026:05:01 03:10:00", "night"),
        ("2026:05:01 08:59:59", "morning"),
        ("2026:05:01 12:00:00", "day"),
        ("2026:05:01 18:00:00", "evening"),
        ("2026:05:01 23:00:00", "night"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_the_time_of_day_is_the_cameras(taken: str, part: str) -> None:
    grey = np.zeros((2, 2), np.uint8)
    seen = Views(2, 2, Light(0, 0, 0), grey, np.zeros((2, 2, 3), np.uint8), Camera(taken_at=taken))
    found = said("clock", seen)
    assert found["time of day"].value == part if part else not found


def test_motion_is_a_share_of_the_picture_and_a_change_of_light_is_none() -> None:
    room = noise(960, 540)
    visitor = room.copy()
    visitor[200:400, 300:400] = 255 - visitor[200:400, 300:400]
    assert said("motion", views(visitor, before=room))["motion"].value == "yes"
    assert said("motion", views(visitor, before=room))["motion"].number == pytest.approx(
        200 * 100 / (960 * 540), abs=0.02
    )
    assert said("motion", views(room, before=room))["motion"].value == "no"
    lighter = 40 + room * 0.5
    assert said("motion", views(lighter + 15, before=lighter))["motion"].value == "no"
    assert said("motion", views(room))["motion"].value == "unknown"


def test_people_and_faces_are_suggestions_with_boxes(sample_data: Path) -> None:
    from .clips import taken

    clips = sample_data / "videos"
    if not (clips / "book.mkv").is_file():
        pytest.skip(f"no clips in {clips}")
    frame = next(taken(clips / "book.mkv"))
    seen = Picture(lambda: frame.jpeg, here).views(EVERYTHING)
    tags = registry.load(["faces"])["faces"].tags(seen)
    assert (tags[0].key, tags[0].value, tags[0].source, tags[0].number) == ("faces", "yes", "heuristic", 1)
    x, y, w, h = tags[1].box
    assert 0.3 < x + w / 2 < 0.7
    assert y + h < 0.5


class Stub:
    """A tagger of somebody else's."""

    needs = frozenset({View.SIZE})

    def __init__(self, name: str = "stub", word: str = "seen", cost_ms: float = 0.001) -> None:
        self.name, self.version, self.word, self.cost_ms = name, "1", word, cost_ms

    def tags(self, views: Views) -> list[Tag]:
        return [Tag("stub", self.word, number=views.width)]


def test_an_operators_tagger_is_set_up_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "taggers.yaml"
    file.write_text(f"mine:\n  class: {__name__}:Stub\n  options: {{word: hello}}\n")
    setups = registry.read_setups(file)
    taggers = registry.load(["light", "mine"], setups)
    assert list(taggers) == ["mine", "light"]  # the cheapest first
    assert taggers["mine"].tags(views(noise()))[0].value == "hello"
    assert "mine" in registry.names(setups)


@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        ({"class": f"{__name__}:Nobody"}, "cannot be loaded"),
        ({"class": "no.such.module:Thing"}, "cannot be loaded"),
        ({"class": f"{__name__}:Stub", "options": {"colour": 1}}, "colour"),
        ({"class": "pathlib:Path", "options": {}}, "name"),
    ],
)
def test_a_tagger_that_cannot_be_set_up_is_refused_with_a_sentence(setup: dict, sentence: str) -> None:
    with pytest.raises(BadTagger, match=sentence):
        registry.load(["mine"], {"mine": Setup.model_validate(setup)})


def test_an_unknown_tagger_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadTagger, match="no tagger 'moton'; known are clock, colour"):
        registry.load(["moton"])


@pytest.mark.parametrize(
    "text", ["- a\n- b", "mine: 3", "mine: {class: no}", "mine: {class: 'a:B', more: 1}", "a: b: c"]
)
def test_a_wrong_file_of_taggers_is_refused_naming_the_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "taggers.yaml"
    file.write_text(text)
    with pytest.raises(BadTagger, match=r"taggers\.yaml"):
        registry.read_setups(file)
    with pytest.raises(BadTagger, match="cannot be read"):
        registry.read_setups(tmp_path / "absent.yaml")
