"""What the embedded services say when they cannot do their work."""


class ServiceError(Exception):
    """One sentence for the operator, and the exit status that belongs to it."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
