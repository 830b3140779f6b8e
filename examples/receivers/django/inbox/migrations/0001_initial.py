from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    operations = [
        migrations.CreateModel(
            name="Received",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("event", models.JSONField()),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                ("worked_at", models.DateTimeField(db_index=True, null=True)),
            ],
        )
    ]
