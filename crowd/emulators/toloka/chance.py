"""Chance from a seed: the same words give the same numbers, whatever happened before."""

import random


def chance(*words: object) -> random.Random:
    return random.Random("-".join(str(word) for word in words))  # noqa: S311 a seeded market, not cryptography
