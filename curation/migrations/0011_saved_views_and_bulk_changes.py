import curation.models.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crowd', '0011_language_of_pages'),
        ('curation', '0010_corners_and_joined'),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True)),
                ('action', models.CharField(choices=[('class', 'set the class'), ('tag', 'add a tag'), ('untag', 'remove a tag'), ('drop', 'drop'), ('restore', 'restore'), ('review', 'send to review'), ('hold_out', 'hold out')], max_length=10)),
                ('settings', models.JSONField(default=dict, help_text='what to do; the query or ids, and the newest asset seen')),
                ('state', models.CharField(choices=[('running', 'being changed'), ('done', 'changed'), ('undoing', 'being undone'), ('undone', 'undone')], default='running', max_length=10)),
                ('matched', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('undone', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BulkChanged',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.JSONField(blank=True, null=True)),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(blank=True, help_text='as docs/query.md describes it', max_length=1000)),
                ('layout', models.CharField(choices=[('grid', 'Grid'), ('list', 'List')], default='grid', max_length=4)),
                ('is_shared', models.BooleanField(default=False)),
                ('position', models.IntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['position', 'id'],
            },
        ),
        migrations.AlterField(
            model_name='assettag',
            name='source',
            field=models.CharField(choices=[('rule', 'measured'), ('model', "a model's opinion"), ('heuristic', 'a guess'), ('person', "a person's word")], max_length=10),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['project', 'id'], name='asset_newest'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['project', 'created_at', 'id'], name='asset_by_day'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(condition=models.Q(('reason', ''), _negated=True), fields=['project', 'reason', 'id'], name='asset_by_reason'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(condition=models.Q(('worker_id__isnull', False)), fields=['project', 'worker_id', 'id'], name='asset_by_worker'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['project', 'brightness'], name='asset_by_light'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['project', 'sharpness'], name='asset_by_blur'),
        ),
        migrations.AddIndex(
            model_name='assettag',
            index=models.Index(fields=['project_id', 'value', 'asset'], name='tag_by_value'),
        ),
        migrations.AddIndex(
            model_name='consensus',
            index=models.Index(condition=models.Q(('is_current', True), ('lowest_iou__isnull', False)), fields=['project_id', 'lowest_iou', 'asset'], name='consensus_by_iou'),
        ),
        migrations.AddField(
            model_name='bulkchange',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='bulkchange',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bulk_changes', to='curation.project'),
        ),
        migrations.AddField(
            model_name='bulkchanged',
            name='asset',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.asset'),
        ),
        migrations.AddField(
            model_name='bulkchanged',
            name='change',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assets', to='curation.bulkchange'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='curation.project'),
        ),
        migrations.AddIndex(
            model_name='bulkchange',
            index=models.Index(fields=['project', '-id'], name='bulk_change_list'),
        ),
        migrations.AddConstraint(
            model_name='bulkchange',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['done', 'running', 'undoing', 'undone'])), name='bulk_change_state_known'),
        ),
        migrations.AddConstraint(
            model_name='bulkchange',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['class', 'tag', 'untag', 'drop', 'restore', 'review', 'hold_out'])), name='bulk_change_action_known'),
        ),
        migrations.AddIndex(
            model_name='bulkchanged',
            index=models.Index(fields=['change', 'id'], name='bulk_changed_list'),
        ),
        migrations.AddConstraint(
            model_name='bulkchanged',
            constraint=models.UniqueConstraint(fields=('change', 'asset'), name='bulk_changed_once'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('project', 'owner', 'name'), name='view_name_once'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('layout__in', ['grid', 'list'])), name='view_layout_known'),
        ),
    ]
