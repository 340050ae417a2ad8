"""Of many templates few are looked at closely; what comes out is what a close look at all of them would give."""

import numpy as np
import pytest

from curation.preprocessing.decode import analyse
from curation.preprocessing.templates import TemplateFeatures, Templates, match_template, template_features
from tests.disguises import TEMPLATE_DISGUISES, encoded
from tests.planted import scene

OTHERS = 5


@pytest.fixture(scope="module")
def each() -> list[tuple[str, TemplateFeatures]]:
    return [(str(number), template_features(encoded(scene(70_000 + number), 90))) for number in range(OTHERS)]


@pytest.fixture(scope="module")
def templates(each: list[tuple[str, TemplateFeatures]]) -> Templates:
    return Templates(each)


@pytest.mark.parametrize("disguise", TEMPLATE_DISGUISES)
def test_a_copy_is_found_among_many_templates_as_it_is_alone(
    templates: Templates, each: list[tuple[str, TemplateFeatures]], disguise: str
) -> None:
    seen = analyse(TEMPLATE_DISGUISES[disguise].make(scene(70_002), np.random.default_rng(3)))
    alone = match_template(seen, each[2][1])
    assert alone is not None
    assert templates.best(seen) == ("2", alone)


@pytest.mark.parametrize("number", range(6))
def test_a_stranger_is_no_copy_of_any(templates: Templates, number: int) -> None:
    assert templates.best(analyse(encoded(scene(71_000 + number)))) is None


def test_a_template_without_corners_is_no_hindrance() -> None:
    flat = template_features(encoded(np.full((540, 960, 3), 90, np.uint8)))
    pixels = scene(70_002)
    found = Templates([("flat", flat), ("own", template_features(encoded(pixels, 90)))]).best(analyse(encoded(pixels)))
    assert found is not None
    assert found[0] == "own"


def test_a_project_without_templates_finds_none() -> None:
    assert Templates([]).best(analyse(encoded(scene(70_002)))) is None


def test_templates_without_any_corner_are_looked_at_by_their_hashes() -> None:
    flat = template_features(encoded(np.full((540, 960, 3), 90, np.uint8)))
    assert Templates([("flat", flat)]).best(analyse(encoded(scene(70_002)))) is None
