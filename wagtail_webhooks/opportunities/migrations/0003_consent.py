import django.db.models.deletion
import wagtail.fields
from django.db import migrations, models

import wagtail_webhooks.opportunities.models.consent


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks_opportunities", "0002_referral"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsentText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        choices=wagtail_webhooks.opportunities.models.consent.languages,
                        default=wagtail_webhooks.opportunities.models.consent.usual_language,
                        max_length=20,
                        verbose_name="language",
                    ),
                ),
                (
                    "text",
                    wagtail.fields.RichTextField(
                        blank=True,
                        help_text="Shown above a box that citizens must tick. Empty: from then on they are not asked.",
                        verbose_name="text",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(auto_now_add=True, verbose_name="in force since"),
                ),
            ],
            options={
                "verbose_name": "consent text",
                "verbose_name_plural": "consent texts",
                "ordering": ["pk"],
                "default_permissions": ("add", "view"),
            },
        ),
        migrations.AddField(
            model_name="lead",
            name="consent_text",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="webhooks_opportunities.consenttext",
                verbose_name="consent text",
            ),
        ),
    ]
