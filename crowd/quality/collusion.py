"""Who answers wrongly together: pairs whose same wrong answers chance does not explain, and the rings they form.

Two honest people are rarely wrong in the same way. For a pair with n shared tasks and accuracies a and b, one shared
task is answered wrongly alike with q = (1 - a)(1 - b) / (K - 1) when wrong answers spread evenly over K options. Where
they do not (one wrong answer is tempting, some tasks are hard) q is raised to what is measured over all pairs. The
p-value is P(Binomial(n, q) >= k); Benjamini and Hochberg (1995) keep the false ones among those found under a share.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import bdtrc

from crowd.quality.skill import USUAL_PRIOR
from crowd.quality.wording import counted

LEAST_ALIKE: Final = 3  # fewer same wrong answers say nothing
FALSE_FINDS: Final = 0.01  # of the pairs found, so many may be honest
HARD, ENOUGH_TO_BE_HARD = 0.30, 10  # a task that more than this share fails, of so many, is left out
ROWS_AT_ONCE: Final = 1_000
RAREST: Final = 1e-12

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]
Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Answers to tasks of known truth, one place each: numbers from 0 for worker, task, given and right option."""

    worker: Counts
    task: Counts
    given: Counts
    right: Counts
    options: int

    def __post_init__(self) -> None:
        if self.options < 2:
            raise ValueError(f"{counted(self.options, 'option')} cannot be answered wrongly; there must be at least 2.")
        if not len(self.worker) == len(self.task) == len(self.given) == len(self.right):
            raise ValueError("Workers, tasks, given and right answers must be lists of one length.")

    def __len__(self) -> int:
        return len(self.worker)

    def where(self, kept: NDArray[np.bool_]) -> "Sheet":
        return Sheet(self.worker[kept], self.task[kept], self.given[kept], self.right[kept], self.options)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two workers, what they share, and how surely that is no chance."""

    one: int
    other: int
    shared: int
    alike: int
    chance: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Search:
    """The pairs that survive, the surest first, and among how many they were found."""

    pairs: tuple[Pair, ...]
    tested: int
    workers: int
    answers: int


def p_value(*, shared: int, alike: int, chance: float) -> float:
    """Return P(Binomial(shared, chance) >= alike): how often two who do not know each other would come to that."""
    if not 0 <= alike <= shared:
        raise ValueError(f"{alike} same wrong answers in {counted(shared, 'shared task')} cannot be.")
    return 1.0 if alike == 0 else float(bdtrc(alike - 1, shared, chance))


def chance_of_pair(a: float, b: float, *, options: int) -> float:
    """Return how often two workers of these accuracies give the same wrong answer to a task, evenly spread."""
    return (1 - a) * (1 - b) / (options - 1)


def wrong_together(sheet: Sheet, *, false_finds: float = FALSE_FINDS) -> Search:
    """Return the pairs of workers whose same wrong answers are no chance.

    Hard tasks (at least ten answers, more than 30 % of them wrong) are left out: they lead honest people astray
    together. Memory and time grow with the pairs that are wrong alike, not with the square of the workers.
    """
    sheet = _without_hard(sheet)
    if not len(sheet):
        return Search((), 0, 0, 0)
    skill = _accuracies(sheet)
    tested = _pairs_tested(sheet)
    one, other, alike = _alike(sheet)
    shared = _shared(sheet, one, other)
    chance = (1 - skill[one]) * (1 - skill[other]) * _spread(sheet, skill)
    p = bdtrc(alike - 1.0, shared, np.minimum(chance, 1.0))
    kept = _benjamini_hochberg(p, tested=tested, false_finds=false_finds)
    rows = sorted(kept, key=lambda at: (p[at], one[at], other[at]))
    pairs = [
        Pair(int(one[at]), int(other[at]), int(shared[at]), int(alike[at]), float(chance[at]), float(p[at]))
        for at in rows
    ]
    return Search(tuple(pairs), tested, len(np.unique(sheet.worker)), len(sheet))


def sentence(*, alike: int, shared: int, chance: float, p: float) -> str:
    """Say what speaks against a pair, in numbers."""
    return (
        f"The same wrong answer to {alike:,} of {counted(shared, 'task')} that both answered; "
        f"by chance it would be {chance * shared:.2g}, and as many once in {1 / max(p, RAREST):,.0f} pairs"
    )


def rings(edges: Iterable[tuple[Node, Node]]) -> Mapping[Node, Node]:
    """Return for each node one of its connected component, the same for all of them (union-find)."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        low, high = root(one), root(other)
        parent[high] = low
    return {node: root(node) for node in list(parent)}


def _without_hard(sheet: Sheet) -> Sheet:
    wrong = sheet.given != sheet.right
    answers = np.bincount(sheet.task)
    failed = np.bincount(sheet.task, weights=wrong, minlength=len(answers))
    hard = (answers >= ENOUGH_TO_BE_HARD) & (failed > HARD * answers)
    return sheet.where(~hard[sheet.task])


def _accuracies(sheet: Sheet) -> Shares:
    """Return the mean accuracy of each worker; who is wrong with others lowers his own, so the test grows milder."""
    n = np.bincount(sheet.worker).astype(np.float64)
    ok = np.bincount(sheet.worker, weights=sheet.given == sheet.right, minlength=len(n))
    found: Shares = (ok + USUAL_PRIOR.right) / (n + USUAL_PRIOR.right + USUAL_PRIOR.wrong)
    return found


def _pairs_tested(sheet: Sheet) -> int:
    """Return how many pairs share as many tasks as a find needs, at most: each uses up that many shared places."""
    workers = len(np.unique(sheet.worker))
    answers = np.bincount(sheet.task).astype(np.float64)
    places = float((answers * (answers - 1) / 2).sum())
    return max(1, int(min(workers * (workers - 1) / 2, places // LEAST_ALIKE)))


def _wrongs(sheet: Sheet) -> csr_array:
    """Return a row for each worker and a column for each wrong answer that somebody gave to a task."""
    wrong = sheet.where(sheet.given != sheet.right)
    _, column = np.unique(wrong.task * sheet.options + wrong.given, return_inverse=True)
    return _ones(wrong.worker, column, rows=int(sheet.worker.max()) + 1)


def _ones(row: Counts, column: Counts, *, rows: int) -> csr_array:
    columns = int(column.max()) + 1 if len(column) else 1
    return csr_array((np.ones(len(row), dtype=np.int32), (row, column)), shape=(rows, columns))


def _alike(sheet: Sheet) -> tuple[Counts, Counts, Counts]:
    """Return the pairs with enough same wrong answers, and how many, a block of workers at a time."""
    wrongs = _wrongs(sheet)
    turned = csr_array(wrongs.T)
    found: list[tuple[Counts, Counts, Counts]] = []
    for start in range(0, wrongs.shape[0], ROWS_AT_ONCE):
        block = csr_array(wrongs[start : start + ROWS_AT_ONCE] @ turned).tocoo()
        one, other = block.coords[0].astype(np.int64) + start, block.coords[1].astype(np.int64)
        kept = (other > one) & (block.data >= LEAST_ALIKE)
        found.append((one[kept], other[kept], block.data[kept].astype(np.int64)))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))  # type: ignore[return-value]


def _shared(sheet: Sheet, one: Counts, other: Counts) -> Counts:
    """Return how many tasks both of each pair have answered."""
    rows = int(sheet.worker.max()) + 1
    tasks = _ones(sheet.worker, sheet.task, rows=rows)
    found = np.zeros(len(one), dtype=np.int64)
    for start in range(0, len(one), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        found[some] = csr_array(tasks[one[some]]).multiply(csr_array(tasks[other[some]])).sum(axis=1)
    return found


def _spread(sheet: Sheet, skill: Shares) -> float:
    """Return how often two wrong answers to one task are the same: 1 / (K - 1), or more where the data say so.

    Measured over all pairs of answers to the same task: those that are wrong alike, over those that would both be
    wrong if mistakes fell anywhere. Tempting answers and hard tasks raise it, and so do rings, which are few.
    """
    evenly = 1 / (sheet.options - 1)
    error = 1 - skill[sheet.worker]
    sums, squares = np.bincount(sheet.task, weights=error), np.bincount(sheet.task, weights=error**2)
    both = float((sums**2 - squares).sum() / 2)
    wrong = sheet.given != sheet.right
    _, same = np.unique(sheet.task[wrong] * sheet.options + sheet.given[wrong], return_counts=True)
    alike = float((same * (same - 1) / 2).sum())
    return max(evenly, alike / both) if both > 0 else evenly


def _benjamini_hochberg(p: Shares, *, tested: int, false_finds: float) -> Sequence[int]:
    """Return which p-values survive among `tested`; those not given are as good as 1."""
    order = np.argsort(p, kind="stable")
    under = p[order] <= false_finds * np.arange(1, len(p) + 1) / tested
    last = int(np.flatnonzero(under)[-1]) + 1 if under.any() else 0
    return [int(at) for at in order[:last]]
