"""Rows by the million and everybody at once."""
