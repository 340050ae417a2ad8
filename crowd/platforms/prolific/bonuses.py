"""A bonus takes two calls, and the second, which pays, must never be made twice.

What it would pay is kept on our row before it is made; so after a crash we know whether it can have been sent at all.
https://docs.prolific.com/api-reference/bonuses
"""

from datetime import datetime, timedelta

from crowd.clock import database_now
from crowd.errors import Invalid, NeedsPerson, PlatformError, StillRunning, Unknown
from crowd.models import Account, Assignment, Bonus
from crowd.models.worker import digest_of
from crowd.platforms.base import BonusSpec
from crowd.platforms.prolific import submissions
from crowd.platforms.prolific.amounts import cents, in_words_of_a_list, micro_of_cents
from crowd.platforms.prolific.client import Client, Json

SOME_MINUTES = timedelta(minutes=15)  # the platform pays "in the following minutes"
LOOK_AGAIN = timedelta(minutes=3)
SENT, ASKED = "sent", "asked"  # how far a payment is: perhaps on its way; a person was asked about it


def pay(client: Client, bonus: BonusSpec) -> str:
    """Pay once and return the platform's id of it. Raises NeedsPerson when nobody can tell whether it was paid."""
    if not bonus.assignment_ext_id:
        raise Invalid({"bonus": "on Prolific a bonus belongs to a submission; choose the page it is for"})
    submission = submissions.read(client, bonus.assignment_ext_id)
    if submissions.person_of(submission) != bonus.worker_ext_id:
        raise Invalid({"bonus": f"submission {bonus.assignment_ext_id} is not of worker {bonus.worker_ext_id}"})
    row = _row(client.account, bonus)
    if bonus.again and (row is None or row.remote_id):
        paid = _found(client.account, bonus, submission)
        if paid:
            return paid
        _require_decision(row, bonus)
    return _pay(client, bonus, submission, row)


def _pay(client: Client, bonus: BonusSpec, submission: Json, row: Bonus | None) -> str:
    amount = in_words_of_a_list(bonus.amount_micro)
    body = {"study_id": submission["study_id"], "csv_bonuses": f"{bonus.assignment_ext_id},{amount}\n"}
    prepared: Json = client.post("submissions", "bonus-payments", body=body)
    if micro_of_cents(prepared["amount"]) != bonus.amount_micro:
        raise Invalid({"bonus": f"Prolific understood {prepared['amount']} cents where {amount} was meant"})
    _note(row, f"{prepared['id']} {SENT} {database_now().isoformat()}")
    try:
        client.post("bulk-bonus-payments", str(prepared["id"]), "pay")
    except Unknown:
        raise
    except PlatformError:
        _note(row, "")  # a refusal: nothing is on its way
        raise
    return str(prepared["id"])


def _require_decision(row: Bonus | None, bonus: BonusSpec) -> None:
    """Wait while it may be on its way; then ask a person, once. Who sends it again after that has looked."""
    if row is None:
        raise NeedsPerson(_question(bonus))
    prepared, stage, at = row.remote_id.split(" ", 2)
    if stage == ASKED:
        return
    ready = datetime.fromisoformat(at) + SOME_MINUTES
    if database_now() < ready:
        raise StillRunning(min(ready, database_now() + LOOK_AGAIN), "a bonus may be on its way")
    _note(row, f"{prepared} {ASKED} {at}")
    raise NeedsPerson(_question(bonus))


def _question(bonus: BonusSpec) -> str:
    return (
        f"Prolific shows no bonus of {in_words_of_a_list(bonus.amount_micro)} on submission {bonus.assignment_ext_id}, "
        "but it was asked to pay it. Look at the submission there: say that it is done, or send it again."
    )


def _found(account: Account, bonus: BonusSpec, submission: Json) -> str:
    """Return an id when the platform shows one more payment of this amount than we know of."""
    amount = cents(bonus.amount_micro, what="bonus")
    shown = [round(float(one)) for one in submission.get("bonus_payments") or []].count(amount)
    page = Assignment.objects.filter(account=account, ext_digest=digest_of(bonus.assignment_ext_id)).first()
    known = Bonus.objects.filter(account=account, state=Bonus.State.PAID, amount_micro=bonus.amount_micro)
    ours = known.filter(assignment_id=page.pk).count() if page else 0
    return f"{bonus.assignment_ext_id}:{ours}" if shown > ours else ""


def _row(account: Account, bonus: BonusSpec) -> Bonus | None:
    mine = Bonus.objects.filter(account=account, key=bonus.key, state=Bonus.State.PLANNED)
    return mine.filter(worker__ext_digest=digest_of(bonus.worker_ext_id)).first()


def _note(row: Bonus | None, text: str) -> None:
    """Keep how far the payment is, at once: what happens next may never come back."""
    if row is not None:
        Bonus.objects.filter(pk=row.pk, state=Bonus.State.PLANNED).update(remote_id=text)
