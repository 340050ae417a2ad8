"""How far workers agree about labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import permutations

from aggregation.agreement.alpha import NominalAlpha
from aggregation.agreement.report import Agreement, Share
from aggregation.core.reading import Vote


def label_agreement(votes: Iterable[Vote]) -> Agreement:
    """Compare every two workers of each task; independent of the order of the votes."""
    tasks: dict[str, dict[str, str]] = {}
    answers: Counter[str] = Counter()
    for item in votes:
        tasks.setdefault(item.task, {})[item.worker] = item.label
        answers[item.worker] += 1
    pool, workers, classes = _shares(tasks)
    alpha = NominalAlpha()
    for said in tasks.values():
        alpha.add(list(said.values()))
    return Agreement(
        counts={"tasks": len(tasks), "answers": sum(answers.values())},
        pool={"label_agreement": pool.value},
        alpha={"labels": alpha.value},
        workers={w: {"n": answers[w], "label_agreement": workers.get(w, Share()).value} for w in sorted(answers)},
        classes={c: {"label_agreement": classes[c].value, "pairs": classes[c].of} for c in sorted(classes)},
    )


def _shares(tasks: Mapping[str, Mapping[str, str]]) -> tuple[Share, dict[str, Share], dict[str, Share]]:
    pool, workers, classes = Share(), dict[str, Share](), dict[str, Share]()
    for said in tasks.values():
        for one, other in permutations(said, 2):
            equal = said[one] == said[other]
            shares = (pool, workers.setdefault(one, Share()), classes.setdefault(said[one], Share()))
            for share in shares:
                share.add(yes=equal)
    return pool, workers, classes
