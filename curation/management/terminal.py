"""A progress bar on a terminal, on standard error, and nothing elsewhere."""

import sys
from types import TracebackType

WIDTH = 30


class Progress:
    def __init__(self, what: str, *, visible: bool) -> None:
        self.what, self.visible = what, visible

    def __enter__(self) -> "Progress":
        return self

    def show(self, done: int, total: int) -> None:
        if not self.visible:
            return
        filled = WIDTH * min(done, total) // max(1, total)
        sys.stderr.write(f"\r{self.what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {total:,} ")
        sys.stderr.flush()

    def show_part(self, what: str, done: int, total: int) -> None:
        """Show one of several parts of the work, each on a line of its own."""
        if self.visible and what != self.what:
            sys.stderr.write("\n")
        self.what = what
        self.show(done, total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.visible:
            sys.stderr.write("\n")
