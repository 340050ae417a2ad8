"""Stands in for a decoder that hangs."""

import time

if __name__ == "__main__":
    time.sleep(60)
