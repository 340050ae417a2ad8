"""Consensus that weighs every answer by what its author has shown to be worth."""
