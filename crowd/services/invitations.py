"""Links by which people come to work in-house, and what they have earned."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum

from crowd.errors import CrowdError
from crowd.models import Account, Assignment, Worker, WorkerInvitation
from crowd.models.worker import digest_of


@dataclass(frozen=True, slots=True)
class Rejection:
    title: str
    reason: str
    judged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Earnings:
    earned_micro: int
    in_check_micro: int
    rejected: list[Rejection]


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def invite(
    *, project_id: int, account_id: int, label: str, max_uses: int, expires_at: datetime, by_id: int | None
) -> str:
    """Make an invitation and return its token, which is shown once and stored only as a hash."""
    if max_uses < 1:
        raise CrowdError("An invitation needs at least one use.")
    token = secrets.token_urlsafe(24)
    WorkerInvitation.objects.create(
        project_id=project_id,
        account_id=account_id,
        token_hash=hash_of(token),
        label=label,
        max_uses=max_uses,
        expires_at=expires_at,
        created_by_id=by_id,
    )
    return token


def find_invitation(*, token: str, now: datetime) -> WorkerInvitation | None:
    """Return the invitation when it can still be used."""
    return WorkerInvitation.objects.filter(
        token_hash=hash_of(token), expires_at__gt=now, uses__lt=F("max_uses")
    ).first()


@transaction.atomic
def join(*, token: str, name: str, language: str, is_adult: bool, consent_sha256: str, now: datetime) -> Worker:
    """Use an invitation once more and return the new worker. No consent or not of age: nobody joins."""
    if not is_adult or not consent_sha256:
        raise CrowdError("Please confirm that you are 18 or older and that you agree to the text.")
    used = WorkerInvitation.objects.filter(
        token_hash=hash_of(token), expires_at__gt=now, uses__lt=F("max_uses")
    ).update(uses=F("uses") + 1)
    if not used:
        raise CrowdError("This invitation is used up or over. Ask for a new one.")
    invitation = WorkerInvitation.objects.get(token_hash=hash_of(token))
    ext_id = f"in-{secrets.token_hex(12)}"
    return Worker.objects.create(
        account_id=invitation.account_id,
        ext_id=ext_id,
        ext_digest=digest_of(ext_id),
        only_projects=[invitation.project_id],
        name=name[:120],
        language=language[:12] or "en",
        is_adult=True,
        consent_version=consent_sha256,
        consented_at=now,
        first_seen=now,
    )


def inhouse_account() -> Account:
    account, _ = Account.objects.get_or_create(slug="inhouse", defaults={"platform": "inhouse", "label": "In-house"})
    return account


def earnings(*, worker_id: int) -> Earnings:
    pages = Assignment.objects.filter(worker_id=worker_id)

    def total(state: str) -> int:
        return int(pages.filter(state=state).aggregate(n=Sum("price_micro"))["n"] or 0)

    rejected = pages.filter(state=Assignment.State.REJECTED).select_related("batch").order_by("-judged_at")[:50]
    return Earnings(
        total(Assignment.State.ACCEPTED),
        total(Assignment.State.SUBMITTED),
        [Rejection(str(page.batch.spec.get("title", "")), page.reason, page.judged_at) for page in rejected],
    )
