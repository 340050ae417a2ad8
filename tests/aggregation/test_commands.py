"""`python -m aggregation` as a person at a terminal meets it."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest

from aggregation.__main__ import main
from tests.aggregation.drawing import ROOT

A = {"x": 100, "y": 100, "w": 200, "h": 200, "label": "x"}
B = {"x": 600, "y": 600, "w": 200, "h": 200, "label": "x"}


def process(*arguments: object, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "aggregation", *map(str, arguments)]
    surroundings = {**os.environ, **environment}
    return subprocess.run(
        command, input=given, capture_output=True, text=True, cwd=ROOT, env=surroundings, check=False, timeout=300
    )


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch, capsys):
    """The command inside this process: what it prints and the status it ends with."""

    def call(*arguments: object, given: str | bytes = "") -> Done:
        raw = given.encode() if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as left:
            status = int(left.code or 0)
        said = capsys.readouterr()
        return Done(status, said.out, said.err)

    return call


def image(name: str, *answers: list[dict[str, object]]) -> str:
    annotations = [{"annotator": f"u{n}", "boxes": boxes, "flags": []} for n, boxes in enumerate(answers, start=1)]
    return json.dumps({"image": name, "width": 1000, "height": 1000, "annotations": annotations})


@pytest.fixture
def answers(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join([image("b.jpg", [A], [A], [A]), "", image("a.jpg", [A, B], [A], [A]), image("c.jpg")]))
    return file


@pytest.fixture
def votes(tmp_path):
    file = tmp_path / "votes.jsonl"
    said = [("t2", "w1", "x"), ("t1", "w1", "x"), ("t1", "w2", "x"), ("t1", "w3", "y"), ("t2", "w2", "y")]
    file.write_text("".join(json.dumps({"task": t, "worker": w, "label": v}) + "\n" for t, w, v in said))
    return file


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_boxes_come_out_one_image_a_line_in_the_order_of_the_input(run, answers):
    done = run("boxes", answers)
    assert (done.returncode, done.stderr) == (0, "")
    results = lines(done.stdout)
    assert [(r["image"], r["status"]) for r in results] == [("b.jpg", "hard"), ("a.jpg", "soft"), ("c.jpg", "drop")]
    assert list(results[0]) == [
        *("image", "status", "boxes", "used", "dropped", "trace"),
        *("next", "confidence", "expected_loss", "lowest_iou", "flags", "method"),
    ]
    assert list(results[0]["boxes"][0]) == ["x", "y", "w", "h", "label", "confidence", "confidence_75", "support"]


def test_two_processes_with_other_hash_seeds_write_the_same_bytes(run, answers):
    first, second = (process("boxes", answers, PYTHONHASHSEED=seed) for seed in "12")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == second.stdout == run("boxes", answers).stdout


def test_a_process_ends_with_status_2_and_one_sentence():
    done = process("boxes", "nowhere.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_who_stops_reading_early_gets_no_traceback(answers):
    many = "\n".join(image(f"i{n}", [A], [A], [A]) for n in range(2000))
    answers.write_text(many)
    command = f"{sys.executable} -m aggregation boxes {answers} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)
    assert lines(done.stdout)[0]["image"] == "i0"
    assert done.stderr == ""


def test_a_file_may_come_through_a_pipe(run, answers):
    assert run("boxes", "-", given=answers.read_text()).stdout == run("boxes", answers).stdout


def test_results_may_go_to_a_file_and_the_summary_to_standard_output(run, answers, tmp_path):
    out = tmp_path / "results.jsonl"
    done = run("boxes", answers, "--json", "--out", out)
    summary = json.loads(done.stdout)
    assert summary["status"] == {"hard": 1, "soft": 1, "drop": 1}
    assert summary["hard_fails_at"] == {"count": 1, "enough": 1}
    assert summary["drop_reasons"] == {"few": 1}
    assert summary["mean_answers"] == 2
    assert summary["images_per_second"] > 0
    assert out.read_text() == run("boxes", answers).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.jsonl", "results.jsonl"]


def test_settings_change_the_result(run, answers):
    loose = image("l", [A], [A], [{**A, "x": 140}])
    assert lines(run("boxes", "-", given=loose).stdout)[0]["status"] == "drop"
    assert lines(run("boxes", "-", "--iou", "0.6", given=loose).stdout)[0]["status"] == "hard"
    assert lines(run("boxes", "-", "--set", "iou_rule=mean_pair", given=loose).stdout)[0]["status"] == "hard"
    assert lines(run("boxes", "-", "--method", "median", given=loose).stdout)[0]["method"] == "median"
    assert json.loads(run("boxes", answers, "--iou", "0.8", "--json").stdout)["settings"]["iou"] == 0.8


def test_workers_get_a_line_of_skill_each(run, answers, tmp_path):
    skills = tmp_path / "workers.jsonl"
    assert run("boxes", answers, "--json", "--workers", skills).returncode == 0
    rows = lines(skills.read_text())
    assert [row["worker"] for row in rows] == ["u1", "u2", "u3"]
    assert rows[0]["false_marks"] > rows[1]["false_marks"]
    assert {"worker", "n", "accuracy", "lower", "upper", "sensitivity", "false_marks", "noise"} <= set(rows[0])


def test_labels_come_out_sorted_by_task_and_a_tie_is_null(run, votes):
    assert lines(run("labels", votes, "--method", "majority").stdout) == [
        {"task": "t1", "label": "x", "confidence": 0.6667, "next": "none"},
        {"task": "t2", "label": None, "confidence": 0.5, "next": "buy"},
    ]


def test_labels_are_by_default_what_the_library_gives_by_default(run, votes):
    assert json.loads(run("labels", votes, "--json").stdout)["method"] == "one-coin"
    assert run("labels", votes).stdout == run("labels", votes, "--method", "one-coin").stdout


@pytest.mark.parametrize("method", ["majority", "one-coin", "dawid-skene"])
def test_every_label_method_writes_skills(run, votes, tmp_path, method):
    done = run("labels", votes, "--method", method, "--workers", tmp_path / "w", "--json")
    summary = json.loads(done.stdout)
    assert (summary["method"], summary["tasks"], summary["workers"]) == (method, 2, 3)
    assert [row["worker"] for row in lines((tmp_path / "w").read_text())] == ["w1", "w2", "w3"]


def test_agreement_reads_boxes_and_labels_alike(run, answers, votes):
    assert json.loads(run("agreement", answers, "--json").stdout)["images"] == 3
    assert json.loads(run("agreement", votes, "--json").stdout)["tasks"] == 2
    assert "Krippendorff's alpha: labels" in run("agreement", votes).stdout


GOOD = image("a", [A])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "line 1: not JSON: expected one object a line"),
        ("[]", "line 1: found a list: expected an object"),
        (b"\xff\xfe", "line 1: byte 1 is not UTF-8: expected UTF-8 text"),
        (GOOD + "\n" + GOOD, "line 2, image 'a': given twice: expected each image once"),
        ('{"annotations": []}', "line 1: the key 'image' is missing: expected it on every such object"),
        ('{"image": "a"}', "line 1, image 'a': the key 'annotations' is missing: expected it on every such object"),
        (GOOD.replace("1000", "0"), "line 1, image 'a': 'width' is 0: expected a number above 0"),
        (GOOD.replace('"x": 100', '"x": NaN'), "line 1, image 'a', annotator 'u1': box x is nan: expected a finite"),
        (GOOD.replace('"x": 100', '"x": 1e999'), "line 1, image 'a', annotator 'u1': box x is inf: expected a finite"),
        (GOOD.replace('"x": 100', '"x": "1"'), "line 1, image 'a', annotator 'u1': 'x' is a string: expected a number"),
        (GOOD.replace('"h": 200, ', ""), "line 1, image 'a', annotator 'u1': the key 'h' is missing"),
        (GOOD.replace('"x"}', "7}"), "line 1, image 'a', annotator 'u1': 'label' is the number 7: expected a string"),
        (image("a", [], []).replace("u2", "u1"), "line 1, image 'a': annotator 'u1' answers twice"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(run, text, sentence):
    done = run("boxes", "-", given=text)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["boxes", "nowhere.jsonl"], "cannot read nowhere.jsonl: No such file or directory"),
        (["boxes", "."], "cannot read .: Is a directory"),
        (["boxes", "-", "--method", "oracle"], "unknown method 'oracle': expected one of hard-soft-drop"),
        (["boxes", "-", "--iou", "much"], "setting iou is 'much': expected a number"),
        (["boxes", "-", "--iou", "1.5"], "setting iou is 1.5: expected a number above 0 to 1"),
        (["boxes", "-", "--set", "colour=red"], "unknown setting 'colour': expected one of iou, "),
        (["boxes", "-", "--set", "iou"], "setting 'iou': expected key=value"),
        (["boxes", "-", "--out", "/nowhere/out.jsonl"], "cannot write /nowhere/out.jsonl: No such file or directory"),
        (["labels", "-", "--method", "glad"], "unknown method 'glad': expected one of majority"),
        (["boxes"], "python -m aggregation boxes: the following arguments are required: FILE"),
        (["shapes", "-"], "python -m aggregation: argument boxes|labels|agreement|adapt: invalid choice: 'shapes'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(run, arguments, sentence):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_may_vote_once_on_a_task(run):
    done = run("labels", "-", given='{"task":"t","worker":"w","label":"x"}\n' * 2)
    assert done.returncode == 2
    assert done.stderr == "line 2, task 't': worker 'w' votes twice: expected one vote each\n"


def test_bad_input_leaves_an_earlier_result_as_it_was(run, tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text("earlier\n")
    assert run("boxes", "-", "--out", out, given=GOOD + "\n{").returncode == 2
    assert out.read_text() == "earlier\n"
    assert list(tmp_path.iterdir()) == [out]


def test_an_interrupted_run_says_so_and_leaves_nothing_half_written(tmp_path):
    out = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "aggregation", "boxes", "-", "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        lines_in = 0
        while not list(tmp_path.iterdir()):  # the unfinished file tells that the run has begun
            running.stdin.write(image(f"i{lines_in}", [A]).encode() + b"\n")
            running.stdin.flush()
            lines_in += 1
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=300) == 130
        assert running.stderr.read() == b"interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_flags_are_free_until_the_known_ones_are_named(run):
    flagged = image("a", [A], [], [A]).replace('"flags": []', '"flags": ["blurry"]', 1)
    assert run("boxes", "-", given=flagged).returncode == 0
    assert run("boxes", "-", "--set", "flags=blurry,no_hands", given=flagged).returncode == 0
    done = run("boxes", "-", "--set", "flags=no_hands", given=GOOD + "\n" + flagged.replace('"a"', '"b"'))
    assert done.returncode == 2
    assert done.stderr == "line 2, image 'b', annotator 'u1': unknown flag 'blurry': expected one of no_hands\n"


def test_boxes_drawn_backwards_or_outside_are_accepted_and_told(run):
    backwards = {"x": 300, "y": 300, "w": -200, "h": -200, "label": "x"}
    outside = {"x": 2000, "y": 10, "w": 50, "h": 50, "label": "x"}
    result = lines(run("boxes", "-", given=image("a", [backwards], [A, outside], [A])).stdout)[0]
    assert result["status"] == "soft"
    assert result["trace"][:2] == [
        "prepare.flipped: 1 box drawn from right to left or from below (u1)",
        "prepare.clipped: 1 box cut at the border of the image (u2)",
    ]
    assert "soft.dots: removed 1 box: x at 1000,10 0x50 by u2" in result["trace"]


def test_a_long_file_streams_results_before_it_has_been_read(run):
    images = "".join(image(f"i{n}", [A], [A], [A]) + "\n" for n in range(600))
    command = [sys.executable, "-m", "aggregation", "boxes", "-"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdin.write(images.encode())
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["image"] == "i0"
        running.stdin.close()
        assert len(running.stdout.readlines()) == 599


def test_a_person_at_a_terminal_sees_how_far_it_is(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(image(f"i{n}", [A]) for n in range(1100)))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "aggregation", "boxes", str(file), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        assert running.wait(timeout=300) == 0
    os.close(theirs)
    assert os.read(ours, 1000).decode() == "\r500 images\r1,000 images\r1,100 images\r\n"
    os.close(ours)


def test_an_empty_file_is_no_work_and_no_error(run):
    assert run("boxes", "-").returncode == 0
    assert run("boxes", "-", "--method", "reliability").returncode == 0
    assert json.loads(run("adapt", "-", "--json").stdout)["mean_answers"] is None
    assert json.loads(run("boxes", "-", "--json").stdout)["images"] == 0
    assert run("labels", "-").stdout == ""
    assert json.loads(run("agreement", "-", "--json").stdout)["mean_iou"] is None
