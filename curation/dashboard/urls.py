"""Addresses of the office pages."""

from django.urls import path

from curation.dashboard import (
    account,
    asset_pages,
    dataset_pages,
    health,
    home,
    media,
    new_project,
    pool_pages,
    project_page,
    settings_page,
    sign_in,
    worker_pages,
)

P = "p/<uuid:public_id>/"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/link/<str:token>/", sign_in.sign_in_link, name="sign-in-link"),
    path("account/", account.account, name="account"),
    path("new/", new_project.new_project, name="new-project"),
    path("new/plan/", new_project.plan, name="new-project-plan"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("theme/", sign_in.theme, name="theme"),
    path("m/<uuid:asset_id>/<slug:variant>/", media.media, name="media"),
    path("", home.projects, name="projects"),
    path(P, project_page.project, name="project"),
    path(f"{P}part/<slug:name>/", project_page.part, name="project-part"),
    path(f"{P}examples/<str:name>/", media.class_example, name="class-example"),
    path(f"{P}pools/", pool_pages.pools, name="pools"),
    path(f"{P}pools/<int:pool_id>/", pool_pages.pool, name="pool"),
    path(f"{P}pools/<int:pool_id>/change/", pool_pages.change, name="pool-change"),
    path(f"{P}pools/<int:pool_id>/<slug:action>/", pool_pages.act, name="pool-act"),
    path(f"{P}assets/", asset_pages.assets, name="assets"),
    path(f"{P}assets/<uuid:asset_id>/", asset_pages.asset, name="asset"),
    path(f"{P}assets/<uuid:asset_id>/restore/", asset_pages.restore, name="asset-restore"),
    path(f"{P}workers/", worker_pages.workers, name="workers"),
    path(f"{P}workers/<int:worker_id>/", worker_pages.worker, name="worker"),
    path(f"{P}evidence/<int:evidence_id>/ban/", worker_pages.ban, name="evidence-ban"),
    path(f"{P}evidence/<int:evidence_id>/reject/", worker_pages.reject, name="evidence-reject"),
    path(f"{P}evidence/<int:evidence_id>/not-cheating/", worker_pages.not_cheating, name="evidence-overturn"),
    path(f"{P}datasets/", dataset_pages.datasets, name="datasets"),
    path(f"{P}datasets/freeze/", dataset_pages.freeze, name="freeze"),
    path(f"{P}datasets/<uuid:dataset_id>/export/", dataset_pages.export, name="export"),
    path(f"{P}exports/<uuid:export_id>/", dataset_pages.download, name="export-download"),
    path(f"{P}settings/", settings_page.settings, name="settings"),
    path(f"{P}settings/members/", settings_page.add_member, name="member-add"),
    path(f"{P}settings/members/<int:membership_id>/remove/", settings_page.remove_member, name="member-remove"),
    path(f"{P}settings/invitations/", settings_page.invite, name="invite"),
    path(f"{P}settings/budget/", settings_page.budget, name="budget"),
]
