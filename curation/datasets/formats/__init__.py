"""Data set formats: one file each, pure, streaming. A new one is one file and one line in `registry.py`."""
