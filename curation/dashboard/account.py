"""A person's own page: the name others see, and a password for signing in without a link."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from crowd.errors import CrowdError
from curation.dashboard.access import person
from curation.dashboard.forms import typed
from curation.services import people


@never_cache
@login_required
@sensitive_post_parameters("current", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if request.method != "POST":
        return render(request, "curation/account.html")
    try:
        if "password" in request.POST:
            current, new = request.POST.get("current", ""), request.POST.get("password", "")
            people.set_password(user=user, current=current, new=new)
            update_session_auth_hash(request, user)
            messages.success(request, "The password is set. Other sessions of yours have ended.")
        else:
            people.rename(user=user, name=typed(request, "name", 120))
            messages.success(request, "Saved.")
    except CrowdError as error:
        return render(request, "curation/account.html", {"error": str(error)}, status=400)
    return redirect("account")
