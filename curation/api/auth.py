"""Who calls: a bearer token, or a person who is signed in in the browser (with CSRF)."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from curation.models import ApiToken, User
from curation.services import tokens


def caller(request: Request) -> User:
    """Return the person behind a request that has passed authentication."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer wnw_…`; anything else is left to the next way."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Write the header as Authorization: Bearer wnw_ID_SECRET.", "token_malformed")
        try:
            token = tokens.authenticate(words[1].decode("latin-1"))
        except tokens.TokenRefused as refusal:
            raise AuthenticationFailed(str(refusal), refusal.code) from None
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="winnow"'


class BrowserSession(SessionAuthentication):
    """The session of the browser. Writes need its CSRF token, as in every form."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "curation.api.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "wnw_ID_SECRET"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "curation.api.auth.BrowserSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
