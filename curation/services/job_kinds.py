"""Every kind of job: where its handler is, on which queue it runs, how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobKind:
    """`handler` is a dotted path, loaded on first use. Soft limit < hard limit < lease < visibility timeout.

    `lasting` work goes on as long as there is a campaign: after its death it is tried again by itself.
    `begin_again` is a dotted path too: what is called with a dead job that a person has tried again.
    """

    handler: str
    queue: str = "default"
    lease_seconds: int = 60
    lasting: bool = False
    begin_again: str = ""


JOB_KINDS: dict[str, JobKind] = {
    "take_in": JobKind("curation.engine.flow:run_take_in", lasting=True),
    "work_stage": JobKind("curation.engine.flow:run_stage", queue="pixels", lease_seconds=90, lasting=True),
    "dispatch": JobKind("curation.engine.market:run_dispatch", queue="push", lease_seconds=25, lasting=True),
    "pull": JobKind("curation.engine.market:run_pull", queue="pull", lease_seconds=25, lasting=True),
    "compare_batch": JobKind("curation.engine.market:run_compare", queue="pull", lease_seconds=240),
    "compare_held": JobKind("curation.engine.market:run_compare_held", queue="pull", lease_seconds=240),
    "fetch_files": JobKind("curation.engine.market:run_fetch_files", queue="pull", lease_seconds=60, lasting=True),
    "rehearse": JobKind("curation.engine.rehearsal:run_visits", queue="pixels", lease_seconds=90, lasting=True),
    "run_rehearsal": JobKind("curation.engine.rehearsal_jobs:run_rehearsal", queue="pixels", lease_seconds=240),
    "set_up": JobKind("curation.engine.set_up:run_set_up", queue="pixels", lease_seconds=240),
    "reaggregate": JobKind("curation.services.consensus.applying:run_reaggregate", queue="pixels", lease_seconds=240),
    "readmit": JobKind("curation.services.consensus.readmitting:run_readmit", queue="pixels", lease_seconds=240),
    "refit": JobKind("curation.services.consensus.fits:run_refit", queue="pixels", lease_seconds=240),
    "find_lookalikes": JobKind("curation.services.lookalikes.searching:run_search", queue="pixels", lease_seconds=240),
    "join_lookalikes": JobKind("curation.services.lookalikes.joining:run_join", queue="pixels", lease_seconds=240),
    "bulk_drop": JobKind("curation.services.bulk_drops:run_bulk_drop", queue="pixels", lease_seconds=240),
    "bulk_change": JobKind(
        "curation.services.bulk_changes:run_bulk_change", queue="pixels", lease_seconds=240, lasting=True
    ),
    "count_assets": JobKind("curation.services.asset_query.counting:run_count", lease_seconds=240),
    "count_tags": JobKind("curation.services.tag_counts:run_count", lease_seconds=240),
    "price_trial": JobKind("curation.services.price_trials:run_trial", lease_seconds=60, lasting=True),
    "search_pairs": JobKind("curation.services.collusion:run_search", lease_seconds=240),
    "check_account": JobKind("curation.services.accounts:run_check", queue="push"),
    "empty_trash": JobKind("curation.services.trash:run_empty", lease_seconds=240),
    "take_upload": JobKind("curation.services.file_uploads:run_take", queue="pixels", lease_seconds=240, lasting=True),
    "register": JobKind("curation.services.registering:run_register", queue="pixels", lease_seconds=240, lasting=True),
    "plan_crawl": JobKind("curation.services.crawling.plans:run_plan", lease_seconds=120, lasting=True),
    "crawl_search": JobKind("curation.services.crawling.searching:run_search", queue="pull", lasting=True),
    "crawl_fetch": JobKind(
        "curation.services.crawling.fetching:run_fetch", queue="pull", lease_seconds=120, lasting=True
    ),
    "filter_again": JobKind("curation.engine.filter_round:run_round", queue="pixels", lease_seconds=90, lasting=True),
    "fetch_links": JobKind("curation.services.links:run_fetch", queue="pull", lease_seconds=90, lasting=True),
    "write_deliveries": JobKind("curation.services.delivering:run_write", lasting=True),
    "deliver": JobKind("curation.services.delivering:run_deliver", queue="push", lease_seconds=150, lasting=True),
    "fit_slots": JobKind("curation.services.pools.slots:run_fit", lasting=True),
    "freeze": JobKind(
        "curation.services.freezing:run_freeze",
        queue="exports",
        lease_seconds=255,
        begin_again="curation.services.freezing:begin_again",
    ),
    "erase": JobKind("curation.services.erasing:run_erase", lease_seconds=240, lasting=True),
    "erase_again": JobKind("curation.services.backups.erased:run_erase_again", lease_seconds=240, lasting=True),
    "evaluate": JobKind("curation.services.evaluating:run_evaluate", queue="exports", lease_seconds=255, lasting=True),
    "judge_scenario": JobKind("curation.services.evaluating:run_judge", queue="exports", lease_seconds=255),
    "keep_sample": JobKind("curation.services.sampling:run_keep", queue="exports", lease_seconds=255),
    "export": JobKind(
        "curation.services.exporting:run_export",
        queue="exports",
        lease_seconds=255,
        begin_again="curation.services.export_requests:begin_again",
    ),
    "import_dataset": JobKind("curation.services.import_jobs:run_import", queue="exports", lease_seconds=255),
    "write_outlooks": JobKind("curation.services.outlook.writing:run_write", lease_seconds=240),
    "take_batch": JobKind("curation.services.batches:run_take", queue="pixels", lease_seconds=240, lasting=True),
}
