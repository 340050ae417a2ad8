"""Text in tables that people open in a spreadsheet: it never becomes a formula there."""

import unicodedata

BEGIN_FORMULAS = frozenset("=+-@|%")
# Characters that are blank, control something or are not seen at all: what follows them may be what is looked at.
UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"})


def safe_text(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet could take it for a formula.

    It looks behind blanks and invisible characters, and through look-alikes: the full-width equals sign, the minus
    sign, dashes. See https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{text}" if _is_risky(text) else text


def _is_risky(text: str) -> bool:
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    shown = next((char for char in text if unicodedata.category(char) not in UNSEEN), "")
    plain = unicodedata.normalize("NFKC", shown)[:1]
    return (
        plain in BEGIN_FORMULAS or unicodedata.category(plain or "a") == "Pd" or shown in {"\u2212", "\u2795", "\u2796"}
    )
