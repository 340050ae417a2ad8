"""What our own recipes ask people to agree to is said in the language they read."""

import re

import pytest
from django.utils import translation

from crowd.authored import told
from curation.recipes import loading

NAMES_OF_SIZES = {"Full", "HD"}


@pytest.mark.parametrize("name", loading.names())
def test_nobody_agrees_to_a_text_of_a_recipe_that_is_half_english(name: str):
    recipe = loading.load(name)
    with translation.override("ru"):
        read = f"{told(recipe.description)} {told(recipe.consent)}"
    assert set(re.findall(r"[A-Za-z]+", read)) <= NAMES_OF_SIZES


def test_lines_stay_lines():
    with translation.override("ru"):
        assert told("The photo lies on its side.\nOur own words.").splitlines()[1] == "Our own words."
