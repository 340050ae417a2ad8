"""Behind a proxy that speaks HTTPS. Refuses to start with a secret that is missing, short or known."""

from . import env
from .base import *

if not env.read("SECRET_KEY") or len(SECRET_KEY) < 50 or SECRET_KEY.startswith("django-insecure-"):
    raise env.BadEnvironment("SECRET_KEY (or SECRET_KEY_FILE) must be set to at least 50 random characters.")
if not env.read("ALLOWED_HOSTS") or "*" in ALLOWED_HOSTS:
    raise env.BadEnvironment("ALLOWED_HOSTS must name the hosts that this server answers to; * is not accepted.")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
