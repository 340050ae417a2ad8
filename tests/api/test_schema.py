"""The description of the API is valid and the one in the repository is current."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

CHOSEN = {"{action}": "open", "{word}": "confirm"}  # parts of an address with a few values: the guide names those
SNAPSHOT = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def schema() -> Any:
    GENERATOR_STATS.reset()
    return SchemaGenerator().get_schema(public=True)


def test_the_schema_is_valid_openapi_3_1_without_warnings(schema: Any):
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
    assert not GENERATOR_STATS


def test_the_snapshot_is_current(schema: Any):
    now = yaml.safe_load(OpenApiYamlRenderer().render(schema, renderer_context={}))
    assert yaml.safe_load(SNAPSHOT.read_text(encoding="utf-8")) == now, (
        "run manage.py spectacular --file docs/openapi.yaml"
    )


def test_every_operation_says_what_it_does_and_needs_to_who_calls_it(schema: Any):
    operations = [one for path in schema["paths"].values() for one in path.values()]
    assert all(one["summary"] for one in operations)
    assert all("A token needs the scope `" in one["description"] for one in operations)
    versions = schema["paths"]["/api/v1/datasets"]["post"]["description"]
    assert versions.endswith("A token needs the scope `export`. At most 60 requests an hour.")
    told = OpenApiYamlRenderer().render(schema, renderer_context={}).decode()
    assert not re.search(r"Base of every|somebody sends|queryset|serializer", told)


def test_anybody_may_read_the_schema(client):
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    assert b"/api/v1/assets:batch" in answer.content


def test_the_guide_names_every_address(schema: Any):
    guide = (SNAPSHOT.parent / "api.md").read_text(encoding="utf-8")
    for path in schema["paths"]:
        plain = re.sub(r"{[a-z_]+_id}", "{id}", path.removeprefix("/api/v1/"))
        last = CHOSEN.get(plain.rsplit("/", 1)[-1], plain.rsplit("/", 1)[-1])
        assert f"`{plain}" in guide or f"{last}`" in guide, path
