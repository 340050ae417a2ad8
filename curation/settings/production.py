"""Behind a proxy that speaks HTTPS. Refuses to start with a secret that is missing, short or known."""

from . import env
from .base import *

KNOWN = ("django-insecure-", "only for the tests")  # what stands in public repositories, this one among them
if not env.read("SECRET_KEY") or len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10 or SECRET_KEY.startswith(KNOWN):
    raise env.BadEnvironment("SECRET_KEY (or SECRET_KEY_FILE) must be set to at least 50 random characters.")
if env.read("DATABASE_URL") and not env.read("FIELD_KEYS"):
    raise env.BadEnvironment(
        "FIELD_KEYS (or FIELD_KEYS_FILE) must be set with a database of its own, the same for every process: without it"
        " stored secrets cannot be read. If this server had one, it is in DATA_DIR/secrets/field_keys."
    )
if not env.read("ALLOWED_HOSTS") or "*" in ALLOWED_HOSTS:
    raise env.BadEnvironment("ALLOWED_HOSTS must name the hosts that this server answers to; * is not accepted.")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = ["^metrics$"]  # monitoring inside the network asks this process itself
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
