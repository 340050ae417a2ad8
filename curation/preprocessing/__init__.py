"""Pure work on pixels: bytes in, measurements and verdicts out. No Django, no clock, no network."""
