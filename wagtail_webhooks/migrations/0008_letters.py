from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("wagtail_webhooks", "0007_abandon"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpointstate",
            name="next_letter_at",
            field=models.DateTimeField(null=True),
        ),
    ]
