"""Reading XML from outside: well-formed, in the namespace that is meant, without entities or external parts."""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it ships no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from crowd.emulators.mturk.errors import Refusal, refuse

SCHEMAS: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
LONGEST: Final = 65_535


def parse(text: str, roots: Mapping[str, tuple[str, ...]], what: str) -> Element:
    """Return the root of a document; `roots` maps allowed root names to the versions of their schema."""
    if len(text.encode()) > LONGEST:
        raise refuse(
            "InvalidParameterValue", f"{what} is {len(text.encode())} bytes long; at most {LONGEST} are allowed."
        )
    try:
        root: Element = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise bad_xml(what, str(error)) from None
    if root.tag not in _allowed(roots):
        raise bad_xml(what, f"the root element is {root.tag!r}, expected one of {sorted(_allowed(roots))}")
    return root


def bad_xml(what: str, details: str) -> Refusal:
    return refuse(
        "XMLParseError",
        f"There was an error parsing the XML question or answer data in your request ({what}). "
        f"Please make sure the data is well-formed and validates against the appropriate schema. Details: {details}",
    )


def name_of(element: Element) -> str:
    """Return the element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if name_of(child) == name)


def text_of(element: Element, name: str) -> str:
    """Return the stripped text of the first child of that name, or nothing."""
    return next(((child.text or "").strip() for child in children(element, name)), "")


def _allowed(roots: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {f"{{{SCHEMAS}{version}/{root}.xsd}}{root}" for root, versions in roots.items() for version in versions}
