import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("wagtail_webhooks", "0007_abandon"),
        ("webhooks_opportunities", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Referral",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lead_label", models.CharField(max_length=100)),
                ("lead_pk", models.CharField(max_length=64)),
                ("page_id", models.BigIntegerField()),
                ("page_title", models.CharField(max_length=255)),
                ("department_id", models.BigIntegerField(null=True)),
                ("department_name", models.CharField(blank=True, max_length=255)),
                (
                    "settled",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("erased", "erased"),
                            ("failed", "failed"),
                            ("unaddressed", "nobody to send it to"),
                            ("held", "held"),
                            ("waiting", "waiting"),
                            ("delivered", "delivered"),
                            ("cancelled", "cancelled"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="wagtail_webhooks.message",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral",
                "verbose_name_plural": "referrals",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("lead_label", "lead_pk", "page_id"), name="webhooks_referral_unique"
                    )
                ],
            },
        ),
    ]
