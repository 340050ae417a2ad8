"""The quality rules of a pool: in words, tried on past answers, changed by leads. Beside them the exam calculator."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.services import retrying
from crowd.services.control_stock import control_stock
from crowd.services.exam_ending import WAYS, Ending, How, ending_of
from crowd.services.publishing import is_local
from crowd.services.retrying import Retries
from crowd.services.rule_trial import LOOKS_HONEST, trial
from curation.dashboard.exam_facts import Exam, ending_lines, exam_lines, exam_of, options_of, rule_hint
from curation.dashboard.rule_forms import ACTIONS, KINDS, RuleForm, blank_form, form_of, read_rule, typed_form
from curation.models import Membership, Pool
from curation.seats import Seat, person, seat_or_404
from curation.services import control_answers
from curation.services import pool_rules as service

SHOWN = 60
FIRST = "control"
MOST_DIGITS = 9


@require_safe
@login_required
def pool_rules(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    seat, pool = _own(request, public_id, pool_id)
    number = request.GET.get("change", "")
    found = service.rules_of(pool)
    if number.isdecimal() and int(number) < len(found):
        return _page(request, seat, pool, form_of(found[int(number)], number))
    return _page(request, seat, pool, _asked_form(request.GET))


@require_safe
@login_required
def form(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Only the fields, for the kind and the consequence that are chosen."""
    seat, pool = _own(request, public_id, pool_id)
    return render(request, "curation/_rule_fields.html", _form_context(seat, pool, _asked_form(request.GET)))


@require_safe
@login_required
def exam(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """What the calculator says for what is typed so far; for htmx only that."""
    seat, pool = _own(request, public_id, pool_id)
    says = _calculator(_batch(pool), request.GET)
    if "HX-Request" in request.headers:
        return render(request, "curation/_exam_says.html", says)
    return _page(request, seat, pool, blank_form(FIRST), says)


@require_POST
@login_required
def try_rule(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """Say whom the rule would have struck; nothing is changed."""
    seat, pool = _own(request, public_id, pool_id)
    try:
        rule = read_rule(request.POST)
    except CrowdError as error:
        return _tried(request, seat, pool, {"error": str(error)})
    done = trial(rule=rule, batch=_batch(pool))
    shown = {
        "trial": done,
        "struck": done.struck[:SHOWN],
        "more": max(0, len(done.struck) - SHOWN),
        "tried": rule.says(),
    }
    return _tried(request, seat, pool, {**shown, "honest_from": LOOKS_HONEST})


@require_POST
@login_required
def save(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    seat, pool = _own(request, public_id, pool_id)
    if "try" in request.POST:  # without scripts both buttons come here
        return try_rule(request, public_id, pool_id)
    text = request.POST.get("number", "")
    number = int(text) if text.isdecimal() and len(text) < 4 else None
    mark, by, now = request.POST.get("mark", ""), person(request), database_now()
    try:
        service.put(pool=pool, number=number, rule=read_rule(request.POST), mark=mark, by=by, now=now)
    except CrowdError as error:
        return _page(request, seat, pool, typed_form(request.POST), {"error": str(error)})
    messages.success(request, "The rule is added." if number is None else "The rule is changed.")
    return redirect("pool-rules", public_id, pool_id)


@require_POST
@login_required
def remove(request: HttpRequest, public_id: UUID, pool_id: int, number: int) -> HttpResponse:
    seat, pool = _own(request, public_id, pool_id)
    mark, by = request.POST.get("mark", ""), person(request)
    try:
        service.remove(pool=pool, number=number, mark=mark, by=by, now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, blank_form(FIRST), {"error": str(error)})
    messages.success(request, "The rule is removed.")
    return redirect("pool-rules", public_id, pool_id)


@require_POST
@login_required
def retire_control(request: HttpRequest, public_id: UUID, pool_id: int, task_id: int) -> HttpResponse:
    """Give a control task to nobody any more."""
    seat, pool = _own(request, public_id, pool_id)
    try:
        service.retire_control(pool=pool, task_id=task_id, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, blank_form(FIRST), {"error": str(error)})
    messages.success(request, "The control task is retired: nobody meets it any more.")
    return redirect("pool-rules", public_id, pool_id)


@require_POST
@login_required
def make_control(request: HttpRequest, public_id: UUID, pool_id: int, asset_id: UUID) -> HttpResponse:
    """Make a control task from a reviewed picture, in one click."""
    seat, pool = _own(request, public_id, pool_id)
    try:
        control_answers.make_control(pool=pool, asset_id=asset_id, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, blank_form(FIRST), {"error": str(error)})
    messages.success(request, "It is a control task now. Who has met the picture before never gets it.")
    return redirect("pool-rules", public_id, pool_id)


@require_POST
@login_required
def save_retries(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """How often and after how long an exam may be sat again."""
    seat, pool = _own(request, public_id, pool_id)
    typed = {name: request.POST.get(name, "").strip() for name in ("times", "days")}
    try:
        wanted = _typed_retries(**typed)
        service.set_retries(pool=pool, retries=wanted, by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, blank_form(FIRST), {"error": str(error), "retries": typed})
    messages.success(request, f"Who fails may try again: {service.retries_in_words(wanted)}.")
    return redirect("pool-rules", public_id, pool_id)


@require_POST
@login_required
def save_ending(request: HttpRequest, public_id: UUID, pool_id: int) -> HttpResponse:
    """When an exam ends: after all questions, when it is settled, or when it is clear enough."""
    seat, pool = _own(request, public_id, pool_id)
    typed = {name: request.POST.get(name, "").strip()[:20] for name in ("how", "good", "error")}
    try:
        service.set_ending(pool=pool, ending=_typed_ending(**typed), by=person(request), now=database_now())
    except CrowdError as error:
        return _page(request, seat, pool, blank_form(FIRST), {"error": str(error), "ending": typed})
    messages.success(request, f"The exam ends {WAYS[typed['how']]}.")
    return redirect("pool-rules", public_id, pool_id)


def _typed_ending(how: str, good: str, error: str) -> Ending:
    if how not in WAYS:
        raise CrowdError("Choose when the exam ends.")
    try:
        return Ending(cast("How", how), float(good) / 100, float(error) / 100)
    except ValueError:
        raise CrowdError("How often a good worker is right, and the error, are percentages such as 85 and 5.") from None


def _typed_retries(times: str, days: str) -> Retries:
    if not (times.isdecimal() and days.isdecimal() and len(times + days) < MOST_DIGITS):
        raise CrowdError("Both are whole numbers: how often, and after how many days.")
    return Retries(int(times), int(days))


def _own(request: HttpRequest, public_id: UUID, pool_id: int) -> tuple[Seat, Pool]:
    seat = seat_or_404(request, public_id, Membership.Role.LEAD)
    pool = Pool.objects.select_related("stage", "project").filter(project=seat.project, pk=pool_id).first()
    if pool is None:
        raise Http404
    return seat, pool


def _batch(pool: Pool) -> Batch:
    batch = service.batch_of(pool)
    if batch is None:
        raise Http404
    return batch


def _asked_form(asked: QueryDict) -> RuleForm:
    """Return a form with usual values for what is chosen; a change of the consequence keeps what is typed."""
    kind, action = asked.get("kind", FIRST), asked.get("action", "")
    kind, action = kind if kind in KINDS else FIRST, action if action in ACTIONS else ""
    if asked.get("was_kind", kind) != kind:
        return blank_form(kind)
    if action and asked.get("was_action", action) != action:
        kept, fresh = typed_form(asked), blank_form(kind, action)
        return RuleForm(kind, action, kept.params, fresh.action_params, kept.number)
    return typed_form(asked) if "was_kind" in asked else blank_form(kind, action)


def _form_context(seat: Seat, pool: Pool, shown: RuleForm) -> dict[str, Any]:
    return {
        "seat": seat,
        "pool": pool,
        "form": shown,
        "kinds": KINDS.items(),
        "actions": ACTIONS.items(),
        "nothing_to_reject": shown.action == "reject" and _batch(pool).auto_accept,
    }


def _calculator(batch: Batch, asked: QueryDict | None = None) -> dict[str, Any]:
    usual = exam_of(batch) or Exam(options=options_of(batch))
    wanted = _typed_exam(usual, asked) if asked is not None else usual
    try:
        return {"exam": wanted, "says": exam_lines(wanted)}
    except CrowdError as error:
        return {"exam": wanted, "exam_error": str(error)}


def _typed_exam(usual: Exam, asked: QueryDict) -> Exam:
    def number(name: str, otherwise: int) -> int:
        text = asked.get(name, "").strip()
        return int(text) if text.isdecimal() and len(text) < 6 else otherwise

    return Exam(
        number("questions", usual.questions),
        number("gate", usual.gate),
        number("options", usual.options),
        number("attempts", usual.attempts),
    )


def _tried(request: HttpRequest, seat: Seat, pool: Pool, result: dict[str, Any]) -> HttpResponse:
    if "HX-Request" in request.headers:
        return render(request, "curation/_rule_trial.html", {"seat": seat, **result})
    return _page(request, seat, pool, typed_form(request.POST), result)


def _sitting_again(batch: Batch) -> dict[str, Any]:
    """Return what the card of an exam says; nothing for real work and where the platform sits people itself."""
    if batch.kind == Batch.Kind.MAIN or not is_local(batch):
        return {}
    stock = retrying.questions(batch).count()
    return {
        "retries": retrying.retries_of(batch),
        "questions": stock,
        "enough_for": max(0, stock // batch.page_size - 1),
        **(_how_it_ends(batch) if batch.kind == Batch.Kind.EXAM else {}),
    }


def _how_it_ends(batch: Batch) -> dict[str, Any]:
    ending = ending_of(batch)
    shown = {"how": ending.how, "good": f"{100 * ending.good:g}", "error": f"{100 * ending.error:g}"}
    return {"ending": shown, "endings": ending_lines(batch)}


def _page(
    request: HttpRequest, seat: Seat, pool: Pool, shown: RuleForm, more: dict[str, Any] | None = None
) -> HttpResponse:
    batch, found = _batch(pool), service.rules_of(pool)
    context = {
        **_form_context(seat, pool, shown),
        **_calculator(batch),
        "batch": batch,
        "rules": [(number, rule, rule_hint(rule)) for number, rule in enumerate(found)],
        "mark": service.mark_of(found),
        "controls": control_stock(batch),
        "certain": control_answers.certain_answers(batch),
        **_sitting_again(batch),
        **(more or {}),
    }
    return render(request, "curation/pool_rules.html", context, status=400 if "error" in (more or {}) else 200)
