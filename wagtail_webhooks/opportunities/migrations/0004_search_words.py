from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks_opportunities", "0003_consent"),
    ]

    operations = [
        migrations.AddField(
            model_name="opportunitypage",
            name="search_words",
            field=models.TextField(blank=True, default="", editable=False, serialize=False),
        ),
    ]
