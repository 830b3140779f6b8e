import django.db.models.deletion
import swapper
from django.db import migrations, models


swapper.set_app_prefix("wagtailcore", "wagtail")


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks_opportunities", "0005_receipt"),
        ("wagtailcore", "0094_alter_page_locale"),
    ]

    operations = [
        migrations.AlterField(
            model_name="opportunitypage",
            name="closes_at",
            field=models.DateTimeField(
                blank=True,
                db_index=True,
                help_text="The form is taken away at this time. Empty: stays open.",
                null=True,
                verbose_name="closes",
            ),
        ),
        migrations.CreateModel(
            name="ClosingWarning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("closes_at", models.DateTimeField()),
                (
                    "stage",
                    models.CharField(
                        choices=[("closing", "Closing"), ("closed", "Closed")], max_length=10
                    ),
                ),
                ("next_try_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "page",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=swapper.get_model_name("wagtailcore", "Page"),
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("page", "closes_at", "stage"), name="webhooks_closing_warning"
                    )
                ],
            },
        ),
    ]
