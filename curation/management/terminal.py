"""What a long command shows a person at a terminal; standard output stays free for the result."""

import sys

WIDTH = 30


def show_progress(done: int, of: int, label: str = "") -> None:
    """Draw a progress bar on standard error, if that is a terminal."""
    if of > 0 and sys.stderr.isatty():
        filled = WIDTH * done // of
        bar = "#" * filled + "." * (WIDTH - filled)
        sys.stderr.write(f"\r{label}[{bar}] {done}/{of}" + ("\n" if done >= of else ""))
        sys.stderr.flush()
