"""Addresses below /api/."""

from django.urls import path, re_path

from curation.api import assets, datasets, exports, guide, jobs, pools, problems, projects, webhooks

urlpatterns = [
    path("schema/", guide.Schema.as_view(), name="api-schema"),
    path("docs/", guide.Pages.as_view(), name="api-docs"),
    path("v1/projects", projects.ProjectList.as_view(), name="api-projects"),
    path("v1/projects/<uuid:project_id>", projects.ProjectOne.as_view(), name="api-project"),
    path("v1/projects/<uuid:project_id>/stages", projects.ProjectStages.as_view(), name="api-stages"),
    path("v1/projects/<uuid:project_id>/assets", assets.ProjectAssets.as_view(), name="api-project-assets"),
    path("v1/pools", pools.PoolList.as_view(), name="api-pools"),
    path("v1/pools/<int:pool_id>", pools.PoolOne.as_view(), name="api-pool"),
    re_path(
        r"^v1/pools/(?P<pool_id>[0-9]{1,18})/(?P<action>open|pause|resume|close)$",
        pools.PoolAction.as_view(),
        name="api-pool-action",
    ),
    path("v1/assets", assets.AssetList.as_view(), name="api-assets"),
    path("v1/assets:batch", assets.AssetBatch.as_view(), name="api-assets-batch"),
    path("v1/assets/<uuid:asset_id>", assets.AssetOne.as_view(), name="api-asset"),
    path("v1/datasets", datasets.DatasetList.as_view(), name="api-datasets"),
    path("v1/datasets/<uuid:dataset_id>", datasets.DatasetOne.as_view(), name="api-dataset"),
    path("v1/exports", exports.ExportList.as_view(), name="api-exports"),
    path("v1/exports/<uuid:export_id>", exports.ExportOne.as_view(), name="api-export"),
    path("v1/exports/<uuid:export_id>/download", exports.ExportDownload.as_view(), name="api-export-download"),
    path("v1/jobs", jobs.JobList.as_view(), name="api-jobs"),
    path("v1/jobs/<int:job_id>", jobs.JobOne.as_view(), name="api-job"),
    path("v1/webhooks", webhooks.WebhookList.as_view(), name="api-webhooks"),
    path("v1/webhooks/<uuid:webhook_id>", webhooks.WebhookOne.as_view(), name="api-webhook"),
    path("v1/webhooks/<uuid:webhook_id>/secret", webhooks.WebhookSecret.as_view(), name="api-webhook-secret"),
    path("v1/webhooks/<uuid:webhook_id>/test", webhooks.WebhookTest.as_view(), name="api-webhook-test"),
    path("v1/webhooks/<uuid:webhook_id>/deliveries", webhooks.DeliveryList.as_view(), name="api-deliveries"),
    path(
        "v1/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/again",
        webhooks.DeliveryAgain.as_view(),
        name="api-delivery-again",
    ),
    re_path(r"^v1(/.*)?$", problems.nothing_here, name="api-nothing"),
]
