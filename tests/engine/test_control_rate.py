"""A recipe says whether the share of control tasks adapts to the worker; without a word it stays as it was."""

from types import SimpleNamespace

import pytest

from curation.stages.validate import Validate

OPTIONS = [{"value": "yes", "label": "Yes", "keeps": True}, {"value": "no", "label": "No"}]


@pytest.mark.parametrize(("settings", "said"), [({}, None), ({"control_rate": "adaptive"}, "adaptive")])
def test_the_main_pool_learns_the_share_from_the_recipe(settings, said):
    stage = SimpleNamespace(settings={"options": OPTIONS, **settings})
    main = Validate().pools(stage, [], 10)[-1]
    assert main.spec.get("control_rate") == said
