"""Tags as filters in an address of their own: ?tag=motion:yes,thing:dog."""

from urllib.parse import quote, unquote


def encoded(key: str, value: str) -> str:
    """Write a tag as one word of an address: commas part words there, the first colon parts key and value."""
    return f"{quote(key, safe=' ')}:{quote(value, safe=' :')}"


def decoded(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    return unquote(key), unquote(value)
