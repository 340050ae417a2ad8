"""Readers of labelled data sets, one file for each format: pure, a stream, wrong entries by their number."""
