"""Django's sessions in the database, each with its user in a column, so that people find and end their own."""

from datetime import datetime
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import DateTimeField, Func
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from crowd.clock import database_now
from curation.models import Session, User

DATABASE_NOW: Final = Func(function="clock_timestamp", output_field=DateTimeField())


class SessionStore(DatabaseStore):
    person: User | None = None
    """Whoever the session's row names; that they are signed in with it is for `signed_in` to say."""
    read_at: datetime | None = None
    """When the database read it, by its own clock."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast("Session", super().create_model_instance(data))
        session.user_id = data.get(SESSION_KEY)
        return session

    def load(self) -> dict[str, Any]:
        """Read the session with its person and their keys in one statement: every page needs all three."""
        living = Session.objects.filter(session_key=self.session_key, expire_date__gt=timezone.now())
        session = living.select_related("user__own_keys").annotate(read_at=DATABASE_NOW).first()
        if session is None:
            self._session_key = None  # nobody from outside chooses the key of a new session
            return {}
        self.person, self.read_at = session.user, session.read_at
        return self.decode(session.session_data)


class SignedInMiddleware(AuthenticationMiddleware):
    """Django's own, but the session has brought its person along: one statement instead of two."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: signed_in(request.session) or get_user(request))  # type: ignore[assignment]


def signed_in(session: Any) -> User | None:
    """Return the person a session was read with if all that Django asks holds for them; else Django is to be asked."""
    is_of = session.get(SESSION_KEY)  # reads the session
    person: User | None = session.person
    if person is None or str(person.pk) != is_of or not person.is_active:
        return None
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    proof = session.get(HASH_SESSION_KEY, "")
    return person if constant_time_compare(proof, person.get_session_auth_hash()) else None


def now_of(request: HttpRequest) -> datetime:
    """Return the moment that a page shows: the database's clock when it read the session, else what it says now."""
    return getattr(request.session, "read_at", None) or database_now()
