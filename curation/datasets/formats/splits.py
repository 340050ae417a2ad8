"""Names of splits as names of files and folders."""

WITHOUT_SPLIT = "all"


def split_name(split: str | None) -> str:
    """Return the split's own name, `all` without one; raise ValueError for what cannot be a file name."""
    name = split or WITHOUT_SPLIT
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name!r} is not a name for a split; use letters, digits, - and _")
    return name
