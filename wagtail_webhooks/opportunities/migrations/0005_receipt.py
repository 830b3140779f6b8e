from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks_opportunities", "0004_search_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="receipt",
            field=models.CharField(
                choices=[
                    ("", "not asked for"),
                    ("due", "waiting"),
                    ("sent", "sent"),
                    ("given_up", "could not be sent"),
                ],
                default="",
                editable=False,
                max_length=10,
                verbose_name="receipt",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="receipt_address",
            field=models.CharField(blank=True, editable=False, max_length=320),
        ),
        migrations.AddField(
            model_name="lead",
            name="receipt_due_at",
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="lead",
            name="receipt_tries",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="opportunitypage",
            name="offers_receipt",
            field=models.BooleanField(
                default=True,
                help_text="A box to tick, in forms that ask for an e-mail address.",
                verbose_name="offer a receipt by e-mail",
            ),
        ),
    ]
