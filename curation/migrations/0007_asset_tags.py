import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0006_lookalikes_and_levels'),
    ]

    operations = [
        migrations.CreateModel(
            name='TagRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('tagger', models.CharField(max_length=60)),
                ('version', models.CharField(max_length=40)),
                ('is_current', models.BooleanField(default=True)),
                ('seconds', models.FloatField(default=0, help_text='processor time it took')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tag_runs', to='curation.asset')),
            ],
            options={
                'indexes': [models.Index(fields=['project_id', 'tagger'], name='tag_run_of_project')],
                'constraints': [
                    models.UniqueConstraint(fields=('asset', 'tagger', 'version'), name='tag_run_once'),
                    models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('asset', 'tagger'), name='tag_run_one_current'),
                ],
            },
        ),
        migrations.CreateModel(
            name='AssetTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('key', models.CharField(max_length=40)),
                ('value', models.CharField(max_length=120)),
                ('source', models.CharField(choices=[('rule', 'measured'), ('model', "a model's opinion"), ('heuristic', 'a guess')], max_length=10)),
                ('score', models.FloatField(default=1)),
                ('number', models.FloatField(blank=True, null=True)),
                ('box', models.JSONField(blank=True, null=True)),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='curation.asset')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='curation.tagrun')),
            ],
            options={
                'indexes': [models.Index(fields=['project_id', 'key', 'value'], name='tag_of_project')],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('score__gte', 0), ('score__lte', 1)), name='tag_score_in_range'),
                ],
            },
        ),
    ]
