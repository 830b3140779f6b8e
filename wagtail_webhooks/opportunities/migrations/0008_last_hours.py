from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks_opportunities", "0007_shared_forms"),
    ]

    operations = [
        migrations.AlterField(
            model_name="closingwarning",
            name="stage",
            field=models.CharField(
                choices=[
                    ("closing", "Closing"),
                    ("last_hours", "Last Hours"),
                    ("closed", "Closed"),
                ],
                max_length=10,
            ),
        ),
    ]
