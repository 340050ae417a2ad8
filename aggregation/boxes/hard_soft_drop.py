"""Hard, then soft, then drop: agree on what was drawn, else on what can be repaired, else on nothing."""

from collections.abc import Sequence
from itertools import combinations

from aggregation.boxes.attempt import Attempt, agreement, all_alike, attempt, hopeless
from aggregation.boxes.cleaning import Cleaned, clean, dropping, too_few
from aggregation.boxes.hard import Verdict, examine
from aggregation.boxes.layout import Layout, layout
from aggregation.boxes.result import Agreed, Found, combined, not_resolved, resolved
from aggregation.boxes.settings import BoxSettings
from aggregation.boxes.sheet import Sheet, counted, prepare
from aggregation.core.answers import Consensus, ImageAnswers, TraceStep
from aggregation.core.geometry import TOLERANCE

NAME = "hard-soft-drop"


def agree(image: ImageAnswers, settings: BoxSettings) -> Consensus:
    """Combine the answers to one image by the rule, with a sentence for every step taken."""
    sheet = prepare(image, settings)
    verdict = examine(sheet, settings)
    return _hard(sheet, verdict, settings) if verdict.passed else _soft(sheet, verdict, settings)


def _hard(sheet: Sheet, verdict: Verdict, settings: BoxSettings) -> Consensus:
    kept = [Found(group, combined(sheet, group, settings), sheet.labels[group[0]]) for group in verdict.groups]
    everybody = range(len(sheet.annotators))
    return resolved(sheet, Agreed(kept, (), everybody), verdict.steps, settings, status="hard", method=NAME)


def _soft(sheet: Sheet, verdict: Verdict, settings: BoxSettings) -> Consensus:
    cleaned = clean(sheet, settings)
    trace = [*verdict.steps, *cleaned.steps]
    if len(cleaned.members) < settings.min_answers:
        return not_resolved(sheet, (), [*trace, too_few(cleaned, settings)], settings, method=NAME)
    laid = layout(sheet, cleaned.boxes, settings)
    everybody = attempt(sheet, laid, cleaned.members, settings)
    if everybody.failure is None:
        return resolved(sheet, everybody.agreed, [*trace, *everybody.steps], settings, status="soft", method=NAME)
    trace.extend(everybody.steps)
    trials = _leave_out(sheet, laid, cleaned.members, settings)
    alike = all_alike(trials, settings)
    if trials and alike and _may_decide(everybody, trials):
        best = _best(sheet, trials)
        steps = [*trace, _left_out(sheet, cleaned, best), *best.steps]
        return resolved(sheet, best.agreed, steps, settings, status="soft", method=NAME)
    trace.append(_because(everybody) if alike else _split(cleaned, trials))
    return not_resolved(sheet, everybody.groups, trace, settings, method=NAME)


def _may_decide(everybody: Attempt, trials: Sequence[Attempt]) -> bool:
    """Tell whether leaving answers out may decide: most people who see something never become "nothing there"."""
    return everybody.failure != "disputed" or all(trial.kept for trial in trials)


def _leave_out(sheet: Sheet, laid: Layout, members: tuple[int, ...], settings: BoxSettings) -> list[Attempt]:
    """Return every way that works of leaving out as few answers as possible."""
    for left_out in range(1, settings.max_drop + 1):
        stay = len(members) - left_out
        if stay < settings.min_answers or 2 * stay <= len(members):
            break
        chances = (some for some in combinations(members, stay) if not hopeless(sheet, laid, some, settings))
        tried = (attempt(sheet, laid, some, settings) for some in chances)
        passed = [trial for trial in tried if trial.failure is None]
        if passed:
            return passed
    return []


def _best(sheet: Sheet, trials: Sequence[Attempt]) -> Attempt:
    """Return the trial whose answers lie closest together; a tie keeps the first in sorted order."""
    scores = [agreement(sheet, trial) for trial in trials]
    enough = max(scores) - TOLERANCE
    return next(trial for trial, score in zip(trials, scores, strict=True) if score >= enough)


def _left_out(sheet: Sheet, cleaned: Cleaned, best: Attempt) -> TraceStep:
    names = sheet.names(set(cleaned.members) - set(best.members))
    said = f"{counted(len(names), 'answer', 'answers')} of {len(cleaned.members)} ({' '.join(names)})"
    return TraceStep("soft.drop_k", ok=True, text=f"soft.drop_k: left out {said}", data={"annotators": names})


def _split(cleaned: Cleaned, trials: Sequence[Attempt]) -> TraceStep:
    left_out = counted(len(cleaned.members) - len(trials[0].members), "answer", "answers")
    return dropping("split", f"leaving out {left_out} works in {len(trials)} ways that do not agree")


_REASONS = {
    "existence": "some but not enough answers see an object",
    "disputed": "most answers see something more, each somewhere else",
    "label": "no label has enough votes",
    "iou": "the boxes lie too far apart",
}


def _because(failed: Attempt) -> TraceStep:
    reason = failed.failure or ""
    return dropping(reason, _REASONS[reason])
