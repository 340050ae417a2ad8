"""All near pairs of many hashes, and the look-up of one among a million: ours, and FAISS where it is installed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from curation.preprocessing.join import loop, near_pairs
from curation.preprocessing.neighbours import HashIndex

MILLION = 1_000_000
FAISS_QUERIES = 2_000


def hashes(rows: int, words: int, seed: int = 1) -> np.ndarray:
    """Return hashes as skewed as those of photos, 15 % of them relatives of others by up to six bits."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(12, 12, 64 * words)
    bits = np.empty((rows, 8 * words), np.uint8)
    for start in range(0, rows, 50_000):
        some = bits[start : start + 50_000]
        some[:] = np.packbits(rng.random((len(some), 64 * words)) < chance, axis=1)
    found = bits.view(np.uint64).copy()
    relatives = rows * 15 // 100
    found[-relatives:] = found[rng.integers(0, rows - relatives, relatives)]
    for _ in range(6):
        word, bit = rng.integers(0, words, relatives), rng.integers(0, 64, relatives).astype(np.uint64)
        found[np.arange(rows - relatives, rows), word] ^= np.uint64(1) << bit
    return found


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    found = work()
    return round(time.process_time() - started, 2), found


def joined(rows: int, words: int, radius: int, *, compiled: bool) -> dict[str, Any]:
    data = hashes(rows, words)
    near_pairs(data[:1000], radius, compiled=compiled)  # compiles
    spent, pairs = seconds(lambda: near_pairs(data, radius, compiled=compiled))
    return {"pairs": len(pairs), "processor seconds": spent}


def looked_up(rows: int = MILLION) -> dict[str, Any]:
    """Return the milliseconds of one new upload against a million of 256 bits in eight orientations."""
    data, index = hashes(rows, 4), HashIndex()
    index.add_many([(number, row.tobytes(), None) for number, row in enumerate(data)])
    queries = [tuple(np.random.default_rng(seed).bytes(32) for _ in range(8)) for seed in range(9)]
    spent = sorted(seconds(lambda query=query: index.near(query))[0] for query in queries)
    return {"rows": rows, "processor milliseconds": round(1000 * spent[len(spent) // 2])}


def faiss_flat() -> dict[str, Any]:
    """Return what comparing a million with a million would take FAISS, from some queries."""
    try:
        import faiss
    except ImportError:
        return {"skipped": "FAISS is not installed in this environment"}
    faiss.omp_set_num_threads(1)
    answer: dict[str, Any] = {"version": f"faiss {faiss.__version__}", "queries measured": FAISS_QUERIES}
    for words, radius in ((1, 4), (1, 10), (4, 31)):
        index = faiss.IndexBinaryFlat(64 * words)
        data = hashes(MILLION, words).view(np.uint8)
        index.add(data)
        spent, _ = seconds(
            lambda index=index, data=data, radius=radius: index.range_search(data[:FAISS_QUERIES], radius + 1)
        )
        answer[f"{64 * words} bits, radius {radius}: processor seconds for a million"] = round(
            spent * MILLION / FAISS_QUERIES
        )
    return answer


def measure() -> dict[str, Any]:
    tables: dict[str, Any] = {
        "100,000 x 64 bits, radius 4, numpy": joined(100_000, 1, 4, compiled=False),
        "100,000 x 64 bits, radius 10, numpy": joined(100_000, 1, 10, compiled=False),
        "1,000,000 x 64 bits, radius 4, numpy": joined(MILLION, 1, 4, compiled=False),
    }
    if loop() is None:
        tables["numba"] = {"skipped": "numba, the optional extra, is not installed in this environment"}
    else:
        for words, radius in ((1, 4), (1, 10), (4, 31)):
            name = f"1,000,000 x {64 * words} bits, radius {radius}, numba"
            tables[name] = joined(MILLION, words, radius, compiled=True)
    return {"joins": tables, "FAISS, each with each": faiss_flat(), "look-up in eight orientations": looked_up()}


if __name__ == "__main__":
    print(json.dumps(measure()))
