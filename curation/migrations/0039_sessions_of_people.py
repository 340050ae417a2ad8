import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models

AT_ONCE = 1000
# The table stays what it was, for the release before this one too; a new installation gets it here.
TABLE = """
CREATE TABLE IF NOT EXISTS django_session (
    session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS django_session_session_key_c0390e0f_like ON django_session (session_key varchar_pattern_ops);
CREATE INDEX IF NOT EXISTS django_session_expire_date_a5c62663 ON django_session (expire_date);
"""


def say_whose(apps, editor):
    """Write the user of each session into its row: so far it stood inside of what is signed."""
    Session, User = apps.get_model("curation", "Session"), apps.get_model("curation", "User")
    people = set(User.objects.values_list("pk", flat=True))
    store, known = SessionStore(), []
    for row in Session.objects.filter(user=None).iterator():
        whose = store.decode(row.session_data).get(SESSION_KEY)
        if whose is not None and int(whose) in people:
            row.user_id = int(whose)
            known.append(row)
    Session.objects.bulk_update(known, ["user"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    """A person finds and ends the own sessions; nobody is signed out by this step."""

    dependencies = [
        ("curation", "0038_unfinished_jobs"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE, migrations.RunSQL.noop)],
            state_operations=[
                migrations.CreateModel(
                    name="Session",
                    fields=[
                        (
                            "session_key",
                            models.CharField(
                                max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                            ),
                        ),
                        ("session_data", models.TextField(verbose_name="session data")),
                        ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                    ],
                    options={
                        "verbose_name": "session",
                        "verbose_name_plural": "sessions",
                        "db_table": "django_session",
                        "abstract": False,
                    },
                ),
            ],
        ),
        migrations.AddField(
            model_name="session",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(say_whose, migrations.RunPython.noop),
    ]
