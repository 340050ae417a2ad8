"""Links by which people come to work in-house."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from crowd.errors import CrowdError
from crowd.models import Account, Worker, WorkerInvitation, WorkerTeam
from crowd.models.worker import digest_of

INHOUSE = "inhouse"


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def invite(
    *,
    project_id: int,
    account_id: int,
    label: str,
    max_uses: int,
    expires_at: datetime,
    by_id: int | None,
    team: WorkerTeam | None = None,
) -> str:
    """Make an invitation and return its token, which is shown once and stored only as a hash."""
    if max_uses < 1:
        raise CrowdError("An invitation needs at least one use.")
    if team is not None and team.account_id != account_id:
        raise CrowdError(f"{team.name} is a team of another platform account.")
    token = secrets.token_urlsafe(24)
    WorkerInvitation.objects.create(
        project_id=project_id,
        account_id=account_id,
        team=team,
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


def revoke(*, invitation_id: int, now: datetime) -> None:
    """Let nobody else in by this link; who has come by it stays."""
    WorkerInvitation.objects.filter(pk=invitation_id, expires_at__gt=now).update(expires_at=now)


@transaction.atomic
def join(*, token: str, name: str, language: str, is_adult: bool, consent_sha256: str, now: datetime) -> Worker:
    """Use an invitation once more and return the new worker. No consent or not of age: nobody joins."""
    invitation = _use(token=token, is_adult=is_adult, consent_sha256=consent_sha256, now=now)
    ext_id = f"in-{secrets.token_hex(12)}"
    return Worker.objects.create(
        account_id=invitation.account_id,
        ext_id=ext_id,
        ext_digest=digest_of(ext_id),
        team_id=invitation.team_id,
        only_projects=[invitation.project_id],
        name=name[:120],
        language=language[:12] or "en",
        is_adult=True,
        consent_version=consent_sha256,
        consented_at=now,
        first_seen=now,
    )


@transaction.atomic
def join_also(*, token: str, worker_id: int, is_adult: bool, consent_sha256: str, now: datetime) -> Worker:
    """Let somebody who works here already into one more project; whoever is in a team stays in it."""
    worker = Worker.objects.select_for_update(of=("self",)).get(pk=worker_id)
    invitation = _use(token=token, is_adult=is_adult, consent_sha256=consent_sha256, now=now)
    if invitation.account_id != worker.account_id:
        raise CrowdError(_("This invitation is for people of another platform account."))
    if not worker.may_see(invitation.project_id):
        worker.only_projects = [*worker.only_projects, invitation.project_id]
    worker.team_id = worker.team_id or invitation.team_id
    worker.consent_version, worker.consented_at = consent_sha256, now
    worker.save(update_fields=["only_projects", "team", "consent_version", "consented_at"])
    return worker


def _use(*, token: str, is_adult: bool, consent_sha256: str, now: datetime) -> WorkerInvitation:
    if not is_adult or not consent_sha256:
        raise CrowdError(_("Please confirm that you are 18 or older and that you agree to the text."))
    used = WorkerInvitation.objects.filter(
        token_hash=hash_of(token), expires_at__gt=now, uses__lt=F("max_uses")
    ).update(uses=F("uses") + 1)
    if not used:
        raise CrowdError(_("This invitation is used up or over. Ask for a new one."))
    return WorkerInvitation.objects.get(token_hash=hash_of(token))


def inhouse_account() -> Account:
    account, _ = Account.objects.get_or_create(slug=INHOUSE, defaults={"platform": "inhouse", "label": "In-house"})
    return account
