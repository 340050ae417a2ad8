"""What the library refuses."""


class BadInput(ValueError):
    """A sentence for the person who gave the value: what is wrong and what was expected."""
