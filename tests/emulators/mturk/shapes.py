"""A check of raw answers against the output shapes of the service's model, for any operation."""

import json
import re
from typing import Any

from botocore.model import ListShape, OperationModel, Shape, StructureShape

# The model gives question ids the pattern of entity ids, which the documentation's own examples break (Question_2).
FREE_WORDS = {"QuestionId"}


def check_answer(http_response: Any, model: OperationModel, **_rest: Any) -> None:
    """Check an answer as it came over the wire; errors have a shape of their own."""
    assert re.fullmatch(r"[0-9a-f-]{36}", http_response.headers["x-amzn-RequestId"])
    body = json.loads(http_response.content)
    if http_response.status_code == 200:
        _structure(model.output_shape, body, model.name)
    else:
        assert set(body) in ({"__type", "Message", "TurkErrorCode"}, {"__type", "message"}), body


def _structure(shape: StructureShape, value: Any, path: str) -> None:
    assert isinstance(value, dict), path
    unknown = set(value) - set(shape.members)
    assert not unknown, f"{path} has {unknown}"
    missing = set(shape.required_members) - set(value)
    assert not missing, f"{path} lacks {missing}"
    for name, part in value.items():
        _value(shape.members[name], part, f"{path}.{name}")


def _value(shape: Shape, value: Any, path: str) -> None:
    if isinstance(shape, StructureShape):
        _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), path
        for number, part in enumerate(value):
            _value(shape.member, part, f"{path}[{number}]")
    else:
        _plain(shape, value, path)


def _plain(shape: Shape, value: Any, path: str) -> None:
    kinds = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": int | float}
    assert isinstance(value, kinds[shape.type_name]), f"{path} is {value!r}"
    assert isinstance(value, bool) == (shape.type_name == "boolean"), f"{path} is {value!r}"
    if shape.type_name == "string":
        _words(shape, value, path)


def _words(shape: Shape, value: str, path: str) -> None:
    rules = shape.metadata
    assert value in rules.get("enum", [value]), f"{path} is {value!r}"
    if path.rpartition(".")[2] in FREE_WORDS:
        return
    assert rules.get("min", 0) <= len(value) <= rules.get("max", len(value)), f"{path} is {value!r}"
    assert re.search(rules.get("pattern", ""), value), f"{path} is {value!r}"
