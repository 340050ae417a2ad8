"""What time has overtaken in a restored database: sessions, leases, and commands that may have been sent meanwhile."""

from datetime import datetime
from typing import Final

from psycopg import sql

from crowd.models import Account
from crowd.platforms.registry import elsewhere
from crowd.services import holding
from curation.models import ApiToken, Webhook
from curation.services.backups import erased
from curation.services.backups.archive import Header

NOBODY_IS_SIGNED_IN: Final = "DELETE FROM public.django_session"
LINKS_ARE_USED: Final = "UPDATE public.curation_signinlink SET used_at = now() WHERE used_at IS NULL"
JOBS_BEGIN_AGAIN: Final = """
UPDATE public.curation_job SET state = 'due', next_at = now(), lease_until = NULL, rung_at = NULL
WHERE state = 'running'
"""
# Sent or not, nobody here knows: what may be repeated is, the rest is a person's decision.
SENDING_IS_UNKNOWN: Final = """
UPDATE public.crowd_outboxcommand SET state = 'unknown', lease_until = NULL WHERE state = 'sending'
"""
# Whatever befalls us after the rows are there: whoever was erased since is erased again.
ERASE_AGAIN: Final = """
INSERT INTO public.curation_job (kind, key, queue, payload, priority, next_at, leased_by, fence, crashes, failures,
                                 last_error, created_at, state, cursor, done_n, again)
VALUES ({kind}, {key}, 'default', '{{}}', 0, now(), '', 0, 0, 0, '', now(), 'due', '{{}}', 0, false)
"""
# What the copy tells was told already, and a copy for an exercise tells nobody.
WEBHOOKS_ARE_OFF: Final = """
UPDATE public.curation_webhook SET is_active = false, note = 'switched off by a restore from a backup' WHERE is_active
"""
# The platform has moved on since: nothing goes to an account before its books and ours were compared.
ACCOUNTS_ARE_HELD: Final = """
INSERT INTO public.crowd_outboxcommand (kind, key, account_id, queue, lane, payload, result, state, priority, fence,
                                        crashes, failures, leased_by, last_error, next_at, created_at)
SELECT {kind}, {key} || id, id, 'push', '', '{{}}', '{{}}', 'needs_person', 0, 0, 0, 0, '', {why}, now(), now()
FROM public.crowd_account WHERE platform = ANY({elsewhere})
"""


def statements(header: Header) -> list[str]:
    """Return what is done in the same transaction that brings the rows back."""
    held = sql.SQL(ACCOUNTS_ARE_HELD).format(
        kind=sql.Literal(holding.KIND),
        key=sql.Literal(f"restore-{header.id}-"),
        why=sql.Literal(holding.why(header.made_at)),
        elsewhere=sql.Literal(sorted(elsewhere())),
    )
    again = sql.SQL(ERASE_AGAIN).format(kind=sql.Literal(erased.AGAIN), key=sql.Literal(header.id))
    by_header = [one.as_string(None) for one in (again, held)]
    silenced = [WEBHOOKS_ARE_OFF] if "curation_webhook" in header.rows else []  # an older release had none
    return [NOBODY_IS_SIGNED_IN, LINKS_ARE_USED, JOBS_BEGIN_AGAIN, SENDING_IS_UNKNOWN, *silenced, *by_header]


def held_accounts() -> list[str]:
    return list(Account.objects.filter(pk__in=holding.held()).order_by("slug").values_list("slug", flat=True))


def webhooks_off() -> int:
    return Webhook.objects.filter(is_active=False, note__startswith="switched off by a restore").count()


def living_tokens(*, now: datetime) -> int:
    return ApiToken.objects.filter(revoked_at=None, expires_at__gt=now).count()
