"""An operator's ONNX model as a tagger, tried with tiny models made here."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from curation.preprocessing.cascade import Rule
from curation.preprocessing.taggers.base import Light, Views
from curation.preprocessing.taggers.onnx import OnnxTagger
from curation.preprocessing.taggers.registry import BadTagger, Setup, load

SIZE = 8
COLOURS = ["red", "green", "blue"]


def save(path: Path, nodes: list, outputs: list, constants: list) -> Path:
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    graph = helper.make_graph(nodes, "tiny", [given], outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)
    return path


def mean_colours(path: Path, gain: float = 1.0) -> Path:
    """A model whose three scores are the means of the channels."""
    factor = helper.make_tensor("gain", TensorProto.FLOAT, [1], [gain])
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["means", "gain"], ["scores"]),
    ]
    return save(path, nodes, [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])], [factor])


def one_box(path: Path, label: int = 1) -> Path:
    """A detector that always finds the same two things."""
    values = {
        "boxes": np.array([[0, 0, 4, 4], [2, 4, 6, 10]], np.float32),
        "scores": np.array([0.3, 0.9], np.float32),
        "labels": np.array([0, label], np.int64),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(one))
        for name, one in values.items()
    ]
    outputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(one.dtype), one.shape)
        for name, one in values.items()
    ]
    return save(path, nodes, outputs, [])


def labels(tmp_path: Path, names: list[str] = COLOURS) -> str:
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "labels.txt"
    file.write_text("".join(f"{name}\n" for name in names))
    return str(file)


def painted(red: int, green: int, blue: int) -> Views:
    rgb = np.zeros((36, 64, 3), np.uint8) + np.array([red, green, blue], np.uint8)
    return Views(64, 36, Light(0, 0, 0), rgb[..., 0], rgb)


def tagger(tmp_path: Path, model: Path, **options: object) -> OnnxTagger:
    plain = {"mean": [0, 0, 0], "std": [1, 1, 1], "size": SIZE}
    return OnnxTagger(name="tiny", model=str(model), labels=labels(tmp_path), **{**plain, **options})


def test_the_surest_classes_come_first_and_add_up(tmp_path: Path) -> None:
    tags = tagger(tmp_path, mean_colours(tmp_path / "m.onnx", gain=5)).tags(painted(250, 100, 10))
    assert [tag.value for tag in tags] == COLOURS
    assert sum(tag.score for tag in tags) == pytest.approx(1, abs=0.001)
    assert {(tag.key, tag.source) for tag in tags} == {("label", "model")}


def test_a_picture_is_kept_when_an_allowed_term_is_among_the_first(tmp_path: Path) -> None:
    tags = tagger(tmp_path, mean_colours(tmp_path / "m.onnx", gain=5)).tags(painted(250, 100, 10))
    assert Rule(key="label", any_of=["green", "lilac"], top=2).keeps(tags)
    assert not Rule(key="label", any_of=["blue"], top=2).keeps(tags)
    assert not Rule(key="label", any_of=["green"], top=2, least_score=0.5).keeps(tags)


def test_labels_that_hold_together_are_each_for_itself(tmp_path: Path) -> None:
    model = mean_colours(tmp_path / "m.onnx", gain=10)
    tags = tagger(tmp_path, model, kind="labels", least_score=0.9).tags(painted(250, 240, 0))
    assert {tag.value for tag in tags} == {"red", "green"}


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    tags = tagger(tmp_path, mean_colours(tmp_path / "m.onnx"), kind="labels").tags(painted(255, 51, 0))
    assert [tag.score for tag in tags] == pytest.approx([1.0, 0.2, 0.0], abs=0.01)


def test_a_detector_gives_boxes_in_shares_of_the_picture(tmp_path: Path) -> None:
    tags = tagger(tmp_path, one_box(tmp_path / "m.onnx"), kind="boxes", key="thing").tags(painted(1, 2, 3))
    assert [(tag.value, tag.box) for tag in tags] == [("green", (0.25, 0.5, 0.5, 0.5)), ("red", (0.0, 0.0, 0.5, 0.5))]


def test_only_the_middle_is_looked_at_unless_squashed(tmp_path: Path) -> None:
    seen = painted(0, 0, 0)
    seen.rgb[:, :14] = (255, 0, 0)
    model = mean_colours(tmp_path / "m.onnx")
    crop = tagger(tmp_path, model, kind="labels").tags(seen)
    squash = tagger(tmp_path, model, kind="labels", fit="squash").tags(seen)
    assert max(tag.score for tag in crop) == 0
    assert max(tag.score for tag in squash) > 0.1


def test_another_model_or_other_labels_are_another_version(tmp_path: Path) -> None:
    first = tagger(tmp_path, mean_colours(tmp_path / "a.onnx"))
    again = tagger(tmp_path, mean_colours(tmp_path / "a.onnx"))
    versions = {
        first.version,
        tagger(tmp_path, mean_colours(tmp_path / "b.onnx", gain=2)).version,
        tagger(tmp_path, tmp_path / "a.onnx", top=1).version,
    }
    assert first.version == again.version
    assert len(versions) == 3


@pytest.mark.parametrize("what", ["no model", "no labels", "rubbish", "too few labels", "unknown label", "no boxes"])
def test_what_cannot_work_is_refused_with_a_sentence(tmp_path: Path, what: str) -> None:
    model = mean_colours(tmp_path / "m.onnx")
    setups = {
        "no model": {"model": str(tmp_path / "absent.onnx"), "labels": labels(tmp_path)},
        "no labels": {"model": str(model), "labels": str(tmp_path / "absent.txt")},
        "rubbish": {"model": labels(tmp_path), "labels": labels(tmp_path)},
        "too few labels": {"model": str(model), "labels": labels(tmp_path / "few", ["red"])},
        "unknown label": {"model": str(one_box(tmp_path / "b.onnx", 7)), "labels": labels(tmp_path), "kind": "boxes"},
        "no boxes": {"model": str(model), "labels": labels(tmp_path), "kind": "boxes"},
    }
    options = {"size": SIZE, **setups[what]}
    setup = Setup.model_validate({"class": "curation.preprocessing.taggers.onnx:OnnxTagger", "options": options})
    with pytest.raises(BadTagger, match="tiny: "):
        load(["tiny"], {"tiny": setup})["tiny"].tags(painted(1, 2, 3))


def test_without_the_runtime_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: object) -> object:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadTagger, match=r"pip install 'onnxruntime>=1\.20'"):
        tagger(tmp_path, mean_colours(tmp_path / "m.onnx")).tags(painted(1, 2, 3))
