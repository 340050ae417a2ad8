from django.db import migrations, models

KINDS = [("project", "Project"), ("stage", "Stage"), ("pool", "Pool"), ("batch", "Batch")]

# What one row counts for. The triggers and the rebuilder use the same functions, so they cannot differ.
COUNTING = """
CREATE FUNCTION winnow_minute(at timestamptz) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT floor(extract(epoch FROM at) / 60)::int
$$;
CREATE FUNCTION winnow_page_tally(page crowd_assignment)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar, slot int, d bigint) LANGUAGE sql STABLE AS $$
    SELECT 'batch'::varchar, page.batch_id, 'pages.sent'::varchar, winnow_minute(page.submitted_at), 1::bigint
     WHERE page.submitted_at IS NOT NULL
    UNION ALL
    SELECT 'batch', page.batch_id, 'pages.ms', winnow_minute(page.submitted_at), page.duration_ms::bigint
     WHERE page.submitted_at IS NOT NULL AND page.duration_ms IS NOT NULL
    UNION ALL
    SELECT 'batch', page.batch_id, ('pages.' || page.state)::varchar,
           winnow_minute(coalesce(page.judged_at, page.submitted_at, page.lease_until)), 1
     WHERE page.state IN ('accepted', 'rejected', 'skipped', 'expired')
$$;
CREATE FUNCTION winnow_answer_tally(page crowd_assignment)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar, slot int, d bigint) LANGUAGE sql STABLE AS $$
    SELECT 'batch'::varchar, page.batch_id, ('answers.' || page.state)::varchar,
           winnow_minute(coalesce(page.judged_at, page.submitted_at, page.issued_at)), count(*)
      FROM crowd_answer answer JOIN crowd_task task ON task.id = answer.task_id
     WHERE page.state IN ('submitted', 'accepted') AND answer.assignment_id = page.id AND task.overlap IS NOT NULL
    HAVING count(*) > 0
$$;
CREATE FUNCTION winnow_task_tally(task crowd_task)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar, d bigint) LANGUAGE sql STABLE AS $$
    SELECT 'batch'::varchar, task.batch_id, 'tasks.asked'::varchar, task.overlap::bigint
     WHERE task.overlap IS NOT NULL AND NOT task.cancelled
    UNION ALL
    SELECT 'batch', task.batch_id, 'tasks.done', task.done::bigint WHERE task.overlap IS NOT NULL AND task.done > 0
    UNION ALL
    SELECT 'batch', task.batch_id, 'tasks.begun', 1 WHERE task.overlap IS NOT NULL AND task.done > 0
$$;
CREATE FUNCTION winnow_spent_tally(entry crowd_ledgerentry)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar, slot int, d bigint) LANGUAGE sql STABLE AS $$
    SELECT book.kind::varchar, book.id, ('spent.' || entry.currency)::varchar, winnow_minute(entry.created_at),
           CASE WHEN entry.target IN ('workers', 'platform') THEN entry.amount_micro ELSE -entry.amount_micro END
      FROM (VALUES ('project', entry.project_id), ('stage', entry.stage_id), ('pool', entry.pool_id)) AS book (kind, id)
     WHERE book.id IS NOT NULL
       AND (entry.target IN ('workers', 'platform')) <> (entry.source IN ('workers', 'platform'))
$$;
"""
TRIGGERS = """
CREATE FUNCTION winnow_tally_pages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
            SELECT of_kind, of_id, word, slot, sum(d) FROM new_pages page
              CROSS JOIN LATERAL winnow_page_tally(page::crowd_assignment)
             GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
            SELECT of_kind, of_id, word, slot, -sum(d) FROM old_pages page
              CROSS JOIN LATERAL winnow_page_tally(page::crowd_assignment)
             GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
            SELECT of_kind, of_id, word, slot, sum(d) FROM (
                SELECT told.* FROM new_pages page CROSS JOIN LATERAL winnow_page_tally(page::crowd_assignment) told
                UNION ALL
                SELECT of_kind, of_id, word, slot, -d FROM old_pages page
                  CROSS JOIN LATERAL winnow_page_tally(page::crowd_assignment)
                UNION ALL
                SELECT told.of_kind, told.of_id, told.word, told.slot, told.d * side.sign
                  FROM (SELECT id FROM new_pages WHERE state IN ('submitted', 'accepted', 'rejected')) page
                  JOIN (SELECT p.id, 1 AS sign, p::crowd_assignment AS page FROM new_pages p
                        UNION ALL SELECT p.id, -1, p::crowd_assignment FROM old_pages p) side ON side.id = page.id
                 CROSS JOIN LATERAL winnow_answer_tally(side.page) told
                 WHERE EXISTS (SELECT 1 FROM new_pages n JOIN old_pages o ON o.id = n.id
                                WHERE n.id = page.id
                                  AND (n.state, n.judged_at) IS DISTINCT FROM (o.state, o.judged_at))
            ) AS changed GROUP BY 1, 2, 3, 4 HAVING sum(d) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON crowd_assignment REFERENCING NEW TABLE AS new_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_pages();
CREATE TRIGGER tally_changed AFTER UPDATE ON crowd_assignment REFERENCING OLD TABLE AS old_pages NEW TABLE AS new_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_pages();
CREATE TRIGGER tally_gone AFTER DELETE ON crowd_assignment REFERENCING OLD TABLE AS old_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_pages();

CREATE FUNCTION winnow_tally_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
        SELECT 'batch', page.batch_id, 'answers.' || page.state,
               winnow_minute(coalesce(page.judged_at, page.submitted_at, page.issued_at)),
               CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
          FROM changed_answers answer JOIN crowd_assignment page ON page.id = answer.assignment_id
          JOIN crowd_task task ON task.id = answer.task_id
         WHERE page.state IN ('submitted', 'accepted') AND task.overlap IS NOT NULL GROUP BY 2, 3, 4;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON crowd_answer REFERENCING NEW TABLE AS changed_answers
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_answers();
CREATE TRIGGER tally_gone AFTER DELETE ON crowd_answer REFERENCING OLD TABLE AS changed_answers
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_answers();

CREATE FUNCTION winnow_tally_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, sum(d) FROM new_tasks task
              CROSS JOIN LATERAL winnow_task_tally(task::crowd_task)
             GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, -sum(d) FROM old_tasks task
              CROSS JOIN LATERAL winnow_task_tally(task::crowd_task)
             GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, sum(d) FROM (
                SELECT told.* FROM new_tasks task CROSS JOIN LATERAL winnow_task_tally(task::crowd_task) told
                UNION ALL
                SELECT of_kind, of_id, word, -d FROM old_tasks task
                  CROSS JOIN LATERAL winnow_task_tally(task::crowd_task)
            ) AS changed GROUP BY 1, 2, 3 HAVING sum(d) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON crowd_task REFERENCING NEW TABLE AS new_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_tasks();
CREATE TRIGGER tally_changed AFTER UPDATE ON crowd_task REFERENCING OLD TABLE AS old_tasks NEW TABLE AS new_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_tasks();
CREATE TRIGGER tally_gone AFTER DELETE ON crowd_task REFERENCING OLD TABLE AS old_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_tasks();

CREATE FUNCTION winnow_tally_spent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
        SELECT of_kind, of_id, word, slot, sum(d) FROM new_entries entry
          CROSS JOIN LATERAL winnow_spent_tally(entry::crowd_ledgerentry)
         GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON crowd_ledgerentry REFERENCING NEW TABLE AS new_entries
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_spent();
"""
WITHOUT_COUNTING = """
DROP FUNCTION winnow_page_tally(crowd_assignment), winnow_answer_tally(crowd_assignment),
    winnow_task_tally(crowd_task), winnow_spent_tally(crowd_ledgerentry), winnow_minute(timestamptz);
"""
WITHOUT_TRIGGERS = """
DROP FUNCTION winnow_tally_pages(), winnow_tally_answers(), winnow_tally_tasks(), winnow_tally_spent() CASCADE;
"""
COUNT_WHAT_IS_THERE = """
INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
SELECT of_kind, of_id, word, slot, sum(d) FROM (
    SELECT told.* FROM crowd_assignment page CROSS JOIN LATERAL winnow_page_tally(page) told
    UNION ALL SELECT told.* FROM crowd_assignment page CROSS JOIN LATERAL winnow_answer_tally(page) told
    UNION ALL SELECT of_kind, of_id, word, NULL::int, d FROM crowd_task task CROSS JOIN LATERAL winnow_task_tally(task)
    UNION ALL SELECT told.* FROM crowd_ledgerentry entry CROSS JOIN LATERAL winnow_spent_tally(entry) told
) AS rows GROUP BY 1, 2, 3, 4;
"""


class Migration(migrations.Migration):
    """Counts in all and over time, so that a screen adds up thousands of sums and not millions of rows."""

    dependencies = [("crowd", "0011_language_of_pages")]

    operations = [
        migrations.CreateModel(
            name="TallyDelta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_kind", models.CharField(choices=KINDS, max_length=8)),
                ("of_id", models.BigIntegerField()),
                (
                    "word",
                    models.CharField(help_text="what is counted: answers.accepted, spent.USD, …", max_length=100),
                ),
                (
                    "slot",
                    models.IntegerField(help_text="minutes since 1970; null = counted without a time", null=True),
                ),
                ("d", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_kind", models.CharField(choices=KINDS, max_length=8)),
                ("of_id", models.BigIntegerField()),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(help_text="0 = of all time, 1 = of a minute, 60 = of an hour"),
                ),
                ("word", models.CharField(max_length=100)),
                ("slot", models.IntegerField(help_text="time since 1970 in steps of `minutes`")),
                ("n", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("of_kind", "of_id", "minutes", "word", "slot"), name="tally_once")
                ],
            },
        ),
        migrations.RunSQL(COUNTING, WITHOUT_COUNTING),
        migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS),
        migrations.RunSQL(COUNT_WHAT_IS_THERE, migrations.RunSQL.noop),
    ]
