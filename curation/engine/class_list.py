"""Classes and how many of each, as somebody pastes them: a line each, or a table."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

IN_NUMBERS = "0123456789,_ "
NUMBER_BEGINS = re.compile(r"\s\d")
HEADS = {"class", "classes", "name", "label"}
SEPARATORS = ("\t", ";", ",")
MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class ClassList:
    """Names in their order, numbers where they were given, prompts of added classes, and what is wrong by line."""

    classes: list[str] = field(default_factory=list)
    quotas: dict[str, int] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_classes(text: str, known: Mapping[str, str], *, need_prompts: bool = True) -> ClassList:
    """Read lines such as `peace 500`, `peace`, `peace,500` or `wave,20,Wave your hand`.

    Where classes need no prompt, a new one explains itself by its name.
    """
    found = ClassList()
    lines = text.replace("\x00", "").splitlines()
    for number, line in enumerate(lines[:MOST_LINES], start=1):
        cells = _cells(line)
        if not cells or (number == 1 and cells[0].lower() in HEADS):
            continue
        fault = _take(found, cells, known, need_prompts=need_prompts)
        if fault:
            found.faults.append(f"Line {number}: {fault}")
    if len(lines) > MOST_LINES:
        found.faults.append(f"There are {len(lines):,} lines; at most {MOST_LINES:,} are read.")
    return found


def _cells(line: str) -> list[str]:
    """Split a line of a table, or a name with a number behind it."""
    text = line.strip()
    if not text:
        return []
    separators = [one for one in SEPARATORS if _separates(one, text)]
    if separators:
        separator = min(separators, key=text.index)  # a later one stands within a cell
        return [cell.strip() for cell in next(csv.reader([text], delimiter=separator, skipinitialspace=True))]
    number = NUMBER_BEGINS.search(text, max(len(text.rstrip(IN_NUMBERS)) - 1, 0))
    return [text[: number.start()].strip(), text[number.start() :].strip()] if number else [text, ""]


def _separates(sign: str, text: str) -> bool:
    """A comma between the digits of “peace 1,500” separates nothing."""
    return sign in text and not (sign == "," and re.fullmatch(r"[^,]*\s\d{1,3}(,\d{3})+", text))


def _take(found: ClassList, cells: Sequence[str], known: Mapping[str, str], *, need_prompts: bool) -> str:
    """Add one class, or return what is wrong with its line."""
    typed, number, prompt = [*cells, "", "", ""][:3]
    name = typed if typed in known else typed.replace(" ", "_") if typed.replace(" ", "_") in known else typed
    digits = re.sub(r"[,_ ]", "", number)
    if name in found.classes:
        return f"{name} stands there twice."
    if number and not digits.isdecimal():
        return f"{number!r} is no whole number; a line is a class and how many of it, such as peace 500."
    if digits and not 1 <= int(digits[:9]) <= 1_000_000:
        return f"the number of {name} must be from 1 to 1,000,000, not {number}."
    if name not in known and not prompt and need_prompts:
        return (
            f"{name!r} is not a class of this preset. Say what workers read about it to add it: {name}, "
            f"{digits or 100}, Show this."
        )
    found.classes.append(name)
    if digits:
        found.quotas[name] = int(digits)
    if name not in known:
        found.prompts[name] = prompt or name
    return ""


def write_classes(classes: Sequence[str], quotas: Mapping[str, int], prompts: Mapping[str, str]) -> str:
    """Return the lines that are read as these classes."""
    return "\n".join(_line(name, quotas.get(name), prompts.get(name, "")) for name in classes)


def _line(name: str, number: int | None, prompt: str) -> str:
    if prompt:
        quoted = '"' + " ".join(prompt.split()).replace('"', '""') + '"'
        return f"{name},{number or ''},{quoted}"
    return name if number is None else f"{name} {number}"
