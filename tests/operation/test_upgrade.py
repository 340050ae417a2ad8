"""Before an upgrade: what waits, whom it holds up, what must be done first; and the backup that takes itself."""

from contextlib import nullcontext

import pytest
from django.conf import settings
from django.db import connection, migrations, models

from curation.embedded import checkup_upgrade, schema
from curation.embedded.findings import Finding
from curation.embedded.paths import Paths
from curation.models import Project
from curation.services.backups import archive, automatic, files
from tests.factories import make_asset, make_project


def found() -> dict[str, list[Finding]]:
    rows: dict[str, list[Finding]] = {}
    for finding in checkup_upgrade.upgrade_findings():
        rows.setdefault(finding.name, []).append(finding)
    return rows


def migrations_known(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)


@pytest.mark.django_db
def test_a_database_that_is_up_to_date_needs_nothing():
    assert [one.text for one in found()["migrations"]] == ["none is waiting: this release can start at once"]


@pytest.mark.django_db
def test_a_database_of_a_newer_release_is_refused_with_the_way_out():
    migrations_known("INSERT INTO django_migrations (app, name, applied) VALUES ('curation', '9999_later', now())")
    (release,) = found()["release"]
    assert release.level == "fail"
    assert "curation.9999_later is unknown" in release.text
    assert "restore a backup" in release.mend


@pytest.mark.django_db
def test_each_waiting_step_says_its_table_its_rows_and_who_waits():
    migrations_known("DELETE FROM django_migrations WHERE app = 'crowd' AND name >= '0010'")
    rows = found()
    waiting = [name for name in rows if name.startswith("crowd.0")]
    assert waiting[0] == "crowd.0010_causes_apart"
    told = " ".join(one.text for name in waiting for one in rows[name])
    assert "a new table, nobody waits" in told or "nobody waits" in told
    assert "(crowd_" in told
    assert {one.level for name in waiting for one in rows[name]} == {"ok"}  # nothing is large here
    assert "free for a dump" in rows["disk"][0].text


@pytest.mark.parametrize(
    ("operation", "words", "is_long"),
    [
        (migrations.AddIndex("asset", models.Index(fields=["state"], name="x")), "until the index is built", True),
        (migrations.AlterField("asset", "state", models.TextField()), "everybody waits while all rows", True),
        (migrations.AddField("asset", "x", models.TextField(null=True)), "everybody waits for a moment", False),
        (migrations.RemoveField("asset", "state"), "the release before cannot run", False),
    ],
)
def test_steps_over_many_rows_are_marked(operation, words, is_long):
    text, marked = checkup_upgrade._lock(operation, 2_000_000)
    assert words in text
    assert marked == is_long
    assert not checkup_upgrade._lock(operation, 10)[1]


@pytest.mark.parametrize(
    ("sql", "beside"),
    [
        ("DROP INDEX CONCURRENTLY IF EXISTS x", True),
        ("create unique index concurrently x ON y (z)", True),
        (["SET statement_timeout = 0", "SET lock_timeout = 0"], True),
        (["RESET statement_timeout"], True),
        ("DROP INDEX IF EXISTS x", False),
        ("SET lock_timeout = 0; UPDATE curation_asset SET name = ''", False),
        (["SET lock_timeout = 0", ("UPDATE curation_asset SET name = %s", [""])], False),
    ],
)
def test_indexes_that_are_changed_beside_the_work_hold_nobody_up(sql, beside):
    assert (checkup_upgrade._lock(migrations.RunSQL(sql), 2_000_000)[0] == checkup_upgrade.NOBODY) is beside


@pytest.mark.django_db
def test_what_a_step_does_in_the_database_is_told_and_not_what_it_does_to_the_models():
    migrations_known("DELETE FROM django_migrations WHERE app = 'crowd' AND name >= '0017'")
    assert [one.text for one in found()["crowd.0017_indexes_that_others_begin_with"]] == [
        "Raw SQL operation: nobody waits"
    ]


def test_data_of_another_postgresql_is_told_before_anything_is_started(tmp_path):
    paths = Paths(tmp_path)
    assert checkup_upgrade.data_findings(paths)[0].text.startswith("no data in")
    paths.pg_data.mkdir(parents=True)
    (paths.pg_data / "PG_VERSION").write_text("16\n")
    (finding,) = checkup_upgrade.data_findings(paths)
    assert finding.level == "fail"
    assert "pg_upgrade" in finding.text


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_taken_before_tables_change_and_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.setattr(settings, "KEEP_BACKUPS", 2)
    assert automatic.before_migrating(["curation.1"]) is None  # nothing to lose
    make_project("Hands")
    for day in (1, 2, 3):
        (tmp_path / "backups").mkdir(mode=0o700, exist_ok=True)
        (tmp_path / "backups" / f"before-migrating-2026010{day}T000000.tar").touch()
    taken = automatic.before_migrating(["curation.1"])
    kept = sorted(path.name for path in (tmp_path / "backups").iterdir() if path.suffix == ".tar")
    assert kept == ["before-migrating-20260103T000000.tar", taken.name]
    contents = archive.look_through(taken, dump=lambda _: None, show=lambda *_: None)
    assert (contents.header.media, contents.header.rows["curation_project"]) == ("noted", 1)
    monkeypatch.setattr(settings, "KEEP_BACKUPS", 0)
    assert automatic.before_migrating(["curation.1"]) is None


@pytest.mark.django_db
def test_files_are_looked_for_in_a_database_from_before_the_trash_too():
    kept = make_asset(make_project("Hands"), storage_key="assets/kept.jpg")
    Project.objects.update(emptied_at=kept.created_at)
    assert files.missing(set()) == []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE curation_project DROP COLUMN emptied_at")
    assert files.missing(set()) == ["assets/kept.jpg"]
    assert files.missing({"assets/kept.jpg"}) == []


@pytest.mark.django_db(transaction=True)
def test_no_room_for_a_backup_is_one_sentence_and_no_reason_not_to_start(tmp_path, monkeypatch, capfd):
    make_project("Hands")
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.setattr(automatic, "SPARE", 1 << 60)
    assert automatic.before_migrating(["curation.1"]) is None
    assert "none is taken before migrating" in capfd.readouterr().err
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.django_db
def test_the_check_wants_as_much_room_as_the_backup_before_migrating(monkeypatch):
    for spare, level in ((0, "ok"), (1 << 60, "fail")):
        monkeypatch.setattr(checkup_upgrade, "SPARE", spare)
        (disk,) = checkup_upgrade._room()
        assert (disk.level, "none would be taken" in disk.text) == (level, level == "fail")


@pytest.mark.django_db
def test_migrating_asks_for_the_backup_first(monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(schema, "pending_migrations", lambda: [] if asked else ["curation.1"])
    monkeypatch.setattr(schema, "_keep_a_backup", asked.append)
    monkeypatch.setattr(schema, "call_command", lambda *_, **__: asked.append(["migrated"]))
    monkeypatch.setattr(schema, "_one_at_a_time", nullcontext)  # the lock ends with the test's own session
    assert schema.apply_pending_migrations() == ["curation.1"]
    assert asked == [["curation.1"], ["migrated"]]
