"""Five people box two hands: draw what they drew, what it came to and why, as docs/pictures/five-answers.svg."""

import sys
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from aggregation import Box, BoxAnswer, Consensus, ConsensusBox, ImageAnswers, aggregate_boxes  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "five-answers.svg"
WIDTH, HEIGHT, GAP, LINE = 440, 300, 40, 17
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00")  # told apart by people who see colours differently

IMAGE = ImageAnswers(
    "two-hands.jpg",
    (
        BoxAnswer("Ada", (Box(40, 60, 120, 170, "palm"), Box(260, 100, 110, 110, "fist"))),
        BoxAnswer("Bo", (Box(36, 54, 128, 178, "palm"), Box(256, 104, 118, 104, "palm"))),
        BoxAnswer("Cem", (Box(46, 62, 112, 172, "palm"),)),
        BoxAnswer("Dina", (Box(42, 58, 122, 168, "palm"), Box(262, 96, 106, 116, "fist"), Box(398, 30, 2, 2, "fist"))),
        BoxAnswer(
            "Eli", (Box(44, 64, 114, 166, "palm"), Box(264, 102, 104, 108, "fist"), Box(180, 10, 50, 60, "fist"))
        ),
    ),
    WIDTH,
    HEIGHT,
)


def drawing(image: ImageAnswers, result: Consensus) -> str:
    """Return the picture: answers on the left, the consensus on the right, the trace below."""
    said = [line for step in result.trace for line in wrap(step.text, 118, subsequent_indent="      ")]
    height = HEIGHT + 80 + LINE * len(said)
    width = 2 * WIDTH + 3 * GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" role="img">',
        "<title>Five answers and their consensus</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _panel(GAP, "five answers", _answers(image)),
        _panel(WIDTH + 2 * GAP, f"one consensus: {result.status}, confidence {result.confidence:.2f}", _agreed(result)),
        *(_text(GAP, HEIGHT + 76 + LINE * at, line, "#333333", mono=True) for at, line in enumerate(said)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(left: int, title: str, content: list[str]) -> str:
    hands = (
        '<ellipse cx="100" cy="146" rx="52" ry="78" fill="#dddddd"/>'
        '<ellipse cx="315" cy="155" rx="48" ry="50" fill="#dddddd"/>'
    )
    frame = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f6f6f4" stroke="#999999"/>'
    inside = "\n".join([frame, hands, *content])
    return f'{_text(left, 26, title, "#111111", bold=True)}\n<g transform="translate({left} 36)">\n{inside}\n</g>'


def _answers(image: ImageAnswers) -> list[str]:
    content = []
    for at, (answer, colour) in enumerate(zip(image.annotations, COLOURS, strict=True)):
        content += [_rectangle(box, colour, 1.6) for box in answer.boxes]
        content.append(_text(10 + 84 * at, HEIGHT - 12, answer.annotator, colour, bold=True))
    return content


def _agreed(result: Consensus) -> list[str]:
    content = []
    for box in result.boxes:
        content.append(_rectangle(box, "#111111", 3))
        content.append(
            _text(box.x, box.y - 24, f"{box.label}, {len(box.support)} of {len(result.used)}", "#111111", bold=True)
        )
        content.append(
            _text(box.x, box.y - 8, f"sure {box.confidence:.2f}, at IoU .75 {box.confidence_75:.2f}", "#333333")
        )
    return content


def _rectangle(box: Box | ConsensusBox, colour: str, line: float) -> str:
    place = f'x="{box.x:g}" y="{box.y:g}" width="{box.w:g}" height="{box.h:g}"'
    return f'<rect {place} fill="none" stroke="{colour}" stroke-width="{line:g}"/>'


def _text(x: float, y: float, words: str, colour: str, *, bold: bool = False, mono: bool = False) -> str:
    style = ' font-weight="600"' if bold else ""
    style += ' font-family="ui-monospace, monospace" font-size="12" xml:space="preserve"' if mono else ""
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}"{style}>{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawing(IMAGE, aggregate_boxes(IMAGE)), encoding="utf-8")
