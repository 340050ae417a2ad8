"""Labelled data sets as other tools write them, and as accidents leave them."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from curation.datasets.formats.reading import coco
from curation.datasets.formats.reading.base import BadDocument, BadEntry, Entry, LabelledPicture
from curation.datasets.formats.registry import READERS, reader

Sides = tuple[str, float, float, float, float]

COCO = {
    "images": [
        {"id": 7, "file_name": "x/1.jpg", "width": 100, "height": 50},
        {"id": 9, "file_name": "2.jpg", "width": 100, "height": 50},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 25], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 18, "bbox": [0, 0, 100, 50], "iscrowd": 1},
    ],
    "categories": [{"id": 18, "name": "dog"}],
}
CVAT = """<?xml version="1.0"?><annotations><version>1.1</version>
<image id="0" name="1.jpg" width="100" height="50">
  <box label="dog" xtl="10" ytl="5" xbr="30" ybr="30" occluded="0"/>
  <polygon label="cat" points="10,10;20,10;15,40"/><points label="eye" points="1,1"/>
</image><image id="1" name="2.jpg" width="100" height="50"><tag label="dog"/></image></annotations>"""
LABEL_STUDIO = [
    {
        "data": {"image": "/data/upload/1/852c1311-1.jpg"},
        "annotations": [
            {"was_cancelled": True, "result": []},
            {"result": [{
                "type": "rectanglelabels", "original_width": 100, "original_height": 50,
                "value": {"x": 10, "y": 10, "width": 20, "height": 50, "rotation": 0, "rectanglelabels": ["dog"]},
            }]},
        ],
    },
    {"data": {"image": "2.jpg"}, "annotations": [{"result": []}]},
    {"data": {"image": "3.jpg"}, "annotations": []},
]  # fmt: skip
OPEN_IMAGES = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf
1,xclick,/m/0bt9lr,1,0.1,0.3,0.1,0.6,0,0,0
1,xclick,/m/0bt9lr,1,0,1,0,1,0,0,1
2,xclick,/m/0other,1,0.5,1,0.5,1,0,0,0
"""
TOLOKA = (
    "INPUT:image\tOUTPUT:result\tGOLDEN:result\tASSIGNMENT:status\n"
    '1.jpg\t[{"shape":"rectangle","label":"dog","left":0.1,"top":0.1,"width":0.2,"height":0.5}]\t\tAPPROVED\n'
    '2.jpg\t[{"type":"rectangle","label":"dog","data":{"p1":{"x":0.3,"y":0.6},"p2":{"x":0.1,"y":0.1}}}]\t\tAPPROVED\n'
    "3.jpg\t[]\t[]\tAPPROVED\n"
    "4.jpg\t[]\t\tREJECTED\n"
)
VOC = """<annotation><filename>1.jpg</filename><size><width>100</width><height>50</height><depth>3</depth></size>
<object><name>dog</name><bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object>
</annotation>"""
HEADER = "image,label,x,y,width,height\n"
LINE = '{"image":"1.jpg","boxes":[{"label":"dog","x":0.1,"y":0.1,"width":0.2,"height":0.5}]}\n'
HAGRID = {"1": {"bboxes": [[0.1, 0.1, 0.2, 0.5]], "labels": ["dog"], "leading_hand": "right", "user_id": "u"}}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


YAML = "path: .\ntrain: images/train\nval: [images/val]\nnames: {0: cat, 1: dog}\n"
FOREIGN: dict[str, dict[str, str | bytes]] = {
    "coco": {"annotations/instances_val.json": json.dumps(COCO), "val/x/1.jpg": b"", "images/2.jpg": b""},
    "csv": {"boxes.csv": HEADER + "1.jpg,dog,0.1,0.1,0.2,0.5\n2.jpg,,,,,\n", "1.jpg": b"", "2.jpg": b""},
    "cvat": {"annotations.xml": CVAT, "images/1.jpg": b"", "images/2.jpg": b""},
    "folders": {"dog/1.jpg": b"", "dog/2.jpg": b"", "cat/3.jpg": b"", "readme.txt": b""},
    "hagrid": {"annotations/train/dog.json": json.dumps(HAGRID), "dog/1.jpg": b""},
    "jsonl": {"a.jsonl": LINE, "1.jpg": b""},
    "labelstudio": {"export.json": json.dumps(LABEL_STUDIO), "images/1.jpg": b"", "2.jpg": b""},
    "openimages": {
        "boxes.csv": OPEN_IMAGES, "class-descriptions-boxable.csv": "/m/0bt9lr,dog\n", "1.jpg": b"", "2.jpg": b"",
    },
    "toloka": {"results.tsv": TOLOKA, "1.jpg": b"", "images/2.jpg": b""},
    "voc": {"Annotations/1.xml": VOC, "JPEGImages/1.jpg": b""},
    "yolo": {
        "data.yaml": YAML, "images/train/1.jpg": b"", "labels/train/1.txt": "1 0.2 0.35 0.2 0.5\n",
        "images/val/2.jpg": b"", "labels/val/2.txt": "1 0.1 0.1 0.3 0.1 0.3 0.6\n", "images/val/3.jpg": b"",
    },
}  # fmt: skip
DOG: Sides = ("dog", 0.1, 0.1, 0.2, 0.5)


def entries(form: str, folder: Path) -> list[Entry]:
    form_reader = reader(form)
    return [entry for document in form_reader.documents(folder) for entry in form_reader.read(document)]


def sides(entry: Entry) -> list[Sides]:
    assert isinstance(entry, LabelledPicture)
    boxes = entry.boxes
    assert boxes is not None
    return [
        (
            one.name,
            round(one.x / boxes.width, 6),
            round(one.y / boxes.height, 6),
            round(one.width / boxes.width, 6),
            round(one.height / boxes.height, 6),
        )
        for one in boxes.boxes
    ]


@pytest.mark.parametrize("form", sorted(set(FOREIGN) - {"folders"}))
def test_a_box_of_another_tool_is_the_same_box_here_and_its_picture_is_found(form: str, tmp_path: Path) -> None:
    first = entries(form, write(tmp_path, FOREIGN[form]))[0]
    assert isinstance(first, LabelledPicture)
    assert sides(first)[0] == DOG
    assert first.path is not None
    assert first.path.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("form", "boxes"),
    [
        ("coco", [[DOG], []]),
        ("csv", [[DOG], []]),
        ("cvat", [[DOG, ("cat", 0.1, 0.2, 0.1, 0.6)], []]),
        ("labelstudio", [[DOG], []]),
        ("openimages", [[DOG], [("/m/0other", 0.5, 0.5, 0.5, 0.5)]]),
        ("toloka", [[DOG], [DOG]]),
        ("yolo", [[DOG], [DOG], []]),
    ],
)
def test_crowds_groups_rejected_rows_and_control_tasks_are_left_out_and_empty_pictures_stay(form, boxes, tmp_path):
    assert [sides(one) for one in entries(form, write(tmp_path, FOREIGN[form]))] == boxes


def test_a_folder_names_the_class_of_its_pictures(tmp_path: Path) -> None:
    found = entries("folders", write(tmp_path, FOREIGN["folders"]))
    assert [(one.source, one.picture_class.name) for one in found] == [
        ("cat/3.jpg", "cat"), ("dog/1.jpg", "dog"), ("dog/2.jpg", "dog"),
    ]  # fmt: skip


YOLO_LAYOUTS = {
    "v5, as it is downloaded": (
        "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['dog']\n",
        "train/images",
    ),
    "v5": ("path: ../set\ntrain: images/train\nval: images/val\nnames: [dog]\n", "images/train"),
    "v8 to v11": ("path: set\ntrain: images/train\nval: images/val\nnames:\n  0: dog\n", "images/train"),
    "a list": ("train: train.txt\nnames: {0: dog}\n", "images/train"),
}


@pytest.mark.parametrize("layout", YOLO_LAYOUTS)
def test_each_layout_of_yolo_is_read(layout: str, tmp_path: Path) -> None:
    described, pictures = YOLO_LAYOUTS[layout]
    folder = write(
        tmp_path / "set",
        {
            "data.yaml": described,
            "train.txt": f"./{pictures}/1.jpg\n./{pictures}/2.jpg\n",
            f"{pictures}/1.jpg": b"",
            f"{pictures}/2.jpg": b"",
            f"{pictures.replace('images', 'labels')}/1.txt": "0 0.2 0.35 0.2 0.5\n",
        },
    )
    assert [sides(one) for one in entries("yolo", folder)] == [[DOG], []]


def test_darknet_labels_lie_beside_their_pictures(tmp_path: Path) -> None:
    files = {"classes.txt": "cat\ndog\n", "obj/1.jpg": b"", "obj/1.txt": "1 0.2 0.35 0.2 0.5 0.75\n"}
    (only,) = entries("yolo", write(tmp_path, files))
    assert sides(only) == [DOG]
    assert only.boxes.boxes[0].confidence == 0.75


def test_a_list_of_pictures_that_leaves_the_folder_finds_none_outside(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "secret.jpg": b"",
            "set/data.yaml": "train: list.txt\nval: ../\nnames: [dog]\n",
            "set/list.txt": "../secret.jpg\n",
        },
    )
    assert entries("yolo", tmp_path / "set") == []
    coco = {**COCO, "images": [{"id": 7, "file_name": "../secret.jpg", "width": 100, "height": 50}]}
    write(tmp_path, {"other/a.json": json.dumps(coco)})
    (picture,) = entries("coco", tmp_path / "other")
    assert isinstance(picture, LabelledPicture)
    assert picture.path is None


SMALL = {**COCO, "images": [{"id": 7, "file_name": "1.jpg", "width": 5, "height": 5}]}
NO_CATEGORY = {**COCO, "annotations": [{**COCO["annotations"][0], "category_id": [1]}]}
NO_NAME = {**COCO, "images": [{**COCO["images"][0], "file_name": "a\0.jpg"}]}
NO_ID = {**COCO, "images": [{**COCO["images"][0], "id": [7]}]}
NO_LABEL = '{"1":{"bboxes":[[0,0,1,1]],"labels":[]}}'
TURNED = json.dumps(LABEL_STUDIO[:1]).replace('"rotation": 0', '"rotation": 12')
UNKNOWN_CLASS = {**FOREIGN["yolo"], "labels/train/1.txt": "7 0.2 0.35 0.2 0.5\n"}


def test_a_name_longer_than_a_file_may_have_is_a_missing_picture(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": json.dumps({"image": "x" * 300 + ".jpg", "class": "dog"}) + "\n"})
    (picture,) = entries("jsonl", tmp_path)
    assert isinstance(picture, LabelledPicture)
    assert picture.path is None


@pytest.mark.parametrize("place", ["9" * 300, '"a\\0b"', "list.txt"])
def test_a_split_under_a_name_that_no_file_may_have_has_no_pictures(place: str, tmp_path: Path) -> None:
    files = {"data.yaml": f"path: {place}\ntrain: {place}\nnames: [dog]\n", "list.txt": "9" * 300 + "\na\0b.jpg\n"}
    assert entries("yolo", write(tmp_path, files)) == []


WRONG: list[tuple[str, dict[str, str | bytes], str]] = [
    ("coco", {"a.json": json.dumps(SMALL)}, "image 1 is not taken: the box 10, 5, 20, 25 does not lie in a picture of"),
    (
        "coco",
        {"a.json": json.dumps(NO_CATEGORY)},
        "image 1 is not taken: a box has category [1], which the file does not",
    ),
    ("coco", {"a.json": json.dumps(NO_NAME)}, "image 1 is not taken: its name holds a NUL character or half a letter"),
    ("coco", {"a.json": json.dumps(NO_ID)}, "image 1 is not taken: its id is neither a number nor a text"),
    ("csv", {"a.csv": HEADER + "1.jpg,dog,left,0,1,1\n"}, "line 2 is not taken: x is 'left', not a number"),
    ("csv", {"a.csv": HEADER + "a,d,0,0,1,1\nb,d,0,0,1,1\na,d,0,0,1,1\n"}, "line 4 is not taken: a stands in rows"),
    ("cvat", {"annotations.xml": CVAT.replace('xtl="10"', 'xtl="nan"')}, "image 1 is not taken: 1.jpg: xtl is 'nan'"),
    ("hagrid", {"annotations/dog.json": NO_LABEL}, "picture 1 is not taken: 1: 1 boxes have 0 labels"),
    ("jsonl", {"a.jsonl": LINE.replace("0.5", "0")}, "line 1 is not taken: the box"),
    ("labelstudio", {"a.json": TURNED}, "a box is turned"),
    ("toloka", {"a.tsv": TOLOKA.replace("2.jpg", "1.jpg")}, "line 3 is not taken: 1.jpg has several answers"),
    ("voc", {"1.xml": VOC.replace("<width>100</width>", "")}, "annotation 1 is not taken: size/width is 'None'"),
    ("yolo", UNKNOWN_CLASS, "1.jpg: a box has class 7, which the names"),
]


@pytest.mark.parametrize(("form", "files", "sentence"), WRONG)
def test_an_entry_that_is_wrong_is_named_and_the_rest_goes_on(form, files, sentence, tmp_path):
    found = entries(form, write(tmp_path, files))
    wrong = [one.sentence for one in found if isinstance(one, BadEntry)]
    assert len(wrong) == 1
    assert sentence in wrong[0]


BROKEN: list[tuple[str, dict[str, str | bytes]]] = [
    ("coco", {"a.json": json.dumps(COCO)[:-30]}),
    ("coco", {"a.json": json.dumps({**COCO, "categories": []})}),
    ("csv", {"a.csv": b"image,label\n\xff\xfe,dog\n"}),
    ("csv", {"a.csv": "picture,label\n1.jpg,dog\n"}),
    ("cvat", {"annotations.xml": CVAT[:-40]}),
    ("cvat", {"annotations.xml": '<!DOCTYPE a [<!ENTITY b "c">]><annotations><image name="&b;"/></annotations>'}),
    ("hagrid", {"annotations/dog.json": "[1, 2"}),
    ("labelstudio", {"a.json": '[{"data"'}),
    ("toloka", {"a.tsv": "image\tresult\n1.jpg\t[]\n"}),
    ("yolo", {"data.yaml": "names: 3\n"}),
]


@pytest.mark.parametrize(("form", "files"), BROKEN)
def test_a_document_that_is_broken_or_of_another_kind_is_one_sentence(form, files, tmp_path):
    folder = write(tmp_path, files)
    document = next(path for path in folder.rglob("*") if path.is_file())
    with pytest.raises(BadDocument, match=document.name):
        list(reader(form).read(document))


@pytest.mark.parametrize("form", sorted(READERS))
def test_chance_in_a_document_never_raises_anything_else(form: str, tmp_path: Path) -> None:
    """Every document is spoilt at 150 places: bytes changed, cut out, doubled."""
    folder = write(tmp_path, FOREIGN.get(form) or {"a.manifest": '{"source-ref":"1.jpg","x":1,"x-metadata":{}}\n'})
    rng = random.Random(form)
    for document in reader(form).documents(folder):
        if document.is_dir():
            continue
        whole = document.read_bytes()
        for _ in range(150):
            document.write_bytes(spoilt(whole, rng))
            with suppress(BadDocument):
                assert all(isinstance(entry, LabelledPicture | BadEntry) for entry in reader(form).read(document))


def spoilt(data: bytes, rng: random.Random) -> bytes:
    at, length = rng.randrange(len(data)), rng.randrange(1, 12)
    noise = bytes(rng.choice(b'{}[]<>",:;\t\n\0\xff-0e9nulltrue') for _ in range(length))
    return rng.choice(
        [data[:at] + noise + data[at + length :], data[:at] + data[at + length :], data[:at] + noise + data[at:]]
    )


SQUARE = [10, 5, 30, 5, 30, 30, 10, 30]


@pytest.mark.parametrize(
    ("segmentation", "corners"),
    [
        ([SQUARE], 4),
        ([[9, 5, 30.5, 5, 30, 31]], 3),
        ([SQUARE[:-1]], 0),
        ([[10, 5, None, 5, 30, 30]], 0),
        ([[10, 5, 2e9, 5, 30, 30]], 0),
        ([[60, 5, 80, 5, 80, 30]], 0),
        ([[20, 20] * 501], 0),
        ([SQUARE, SQUARE], 0),
        ([7], 0),
        ({"counts": "abc", "size": [50, 100]}, 0),
    ],
    ids=["square", "a little beside", "odd", "null", "far away", "elsewhere", "too many", "two", "a number", "mask"],
)
def test_a_box_is_taken_with_its_outline_or_without_it(tmp_path: Path, segmentation, corners):
    drawn = {**COCO["annotations"][0], "segmentation": segmentation}
    write(tmp_path, {"a.json": json.dumps({**COCO, "annotations": [drawn]})})
    picture, empty = entries("coco", tmp_path)
    assert [(box.name, len(box.outline)) for box in picture.boxes.boxes] == [("dog", corners)]
    assert empty.boxes.boxes == ()


def test_outlines_wait_packed_for_their_pictures(tmp_path: Path):
    outline = [[10 + 20 * (n % 9) / 9 for n in range(80)]]
    drawn = [{**COCO["annotations"][0], "id": n, "segmentation": outline} for n in range(1_000)]
    write(tmp_path, {"a.json": json.dumps({**COCO, "annotations": drawn})})
    tracemalloc.start()
    try:
        held = coco._drawn(tmp_path / "a.json")
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(held[7]) == 1_000
    assert size < 1_500 * 1_000  # 40 corners as tuples of numbers take over 4,000 bytes
