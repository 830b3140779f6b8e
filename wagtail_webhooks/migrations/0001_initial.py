import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import swapper
from django.db import migrations, models

import wagtail_webhooks.models.endpoints
import wagtail_webhooks.models.fields
import wagtail_webhooks.models.messages
import wagtail_webhooks.payloads


swapper.set_app_prefix("wagtailcore", "wagtail")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # The lowest supported Wagtail has no swappable page model, hence no such setting.
        ("wagtailcore", "0094_alter_page_locale"),
        swapper.dependency("wagtailcore", "Page"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("ok", "accepted"),
                            ("http", "refused by the receiver"),
                            ("blocked", "address not allowed"),
                            ("dns", "host name not found"),
                            ("connect", "no connection"),
                            ("tls", "no secure connection"),
                            ("timeout", "no answer in time"),
                            ("reset", "connection broken off"),
                            ("protocol", "answer not understood"),
                            ("render", "could not be written in the endpoint’s format"),
                            ("internal", "a fault on our side"),
                        ],
                        max_length=10,
                    ),
                ),
                ("detail", models.CharField(blank=True, default="", max_length=200)),
                ("status_code", models.PositiveSmallIntegerField(null=True)),
                ("request_headers", models.JSONField(default=dict)),
                ("response_headers", models.JSONField(default=dict)),
                ("is_late", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "ordering": ["started_at", "pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("sending", "being sent"),
                            ("succeeded", "delivered"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("exhausted", "every try of the schedule failed"),
                            ("lapsed", "the worker died each time it tried"),
                            ("unencodable", "its data cannot be written as JSON"),
                            ("too_large", "its data is larger than the site allows"),
                            ("render", "it cannot be written in the endpoint’s format"),
                            ("person", "somebody cancelled it"),
                            ("superseded", "a newer event took its place"),
                            ("erased", "its data was erased"),
                        ],
                        default="",
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                ("step", models.PositiveSmallIntegerField(default=0)),
                ("is_retry", models.BooleanField(default=False)),
                ("attempt_count", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("lapse_count", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(null=True, verbose_name="next attempt")),
                ("lease_token", models.CharField(max_length=32, null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("format", models.CharField(blank=True, default="", max_length=40)),
                ("content_type", models.CharField(blank=True, default="", max_length=100)),
                ("body_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("body_size", models.PositiveIntegerField(default=0, verbose_name="size")),
                (
                    "last_outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ok", "accepted"),
                            ("http", "refused by the receiver"),
                            ("blocked", "address not allowed"),
                            ("dns", "host name not found"),
                            ("connect", "no connection"),
                            ("tls", "no secure connection"),
                            ("timeout", "no answer in time"),
                            ("reset", "connection broken off"),
                            ("protocol", "answer not understood"),
                            ("render", "could not be written in the endpoint’s format"),
                            ("internal", "a fault on our side"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="last outcome",
                    ),
                ),
                (
                    "last_status_code",
                    models.PositiveSmallIntegerField(null=True, verbose_name="last answer"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-pk"],
                "permissions": [
                    ("view_payload", "Can see what deliveries contain"),
                    ("resend_delivery", "Can resend deliveries"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "url",
                    wagtail_webhooks.models.fields.EncryptedField(
                        editable=False, verbose_name="URL"
                    ),
                ),
                (
                    "host",
                    models.CharField(
                        db_index=True,
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="host",
                    ),
                ),
                (
                    "signing_secret",
                    wagtail_webhooks.models.fields.EncryptedField(
                        default=wagtail_webhooks.models.endpoints.new_signing_secret,
                        editable=False,
                        verbose_name="signing secret",
                    ),
                ),
                (
                    "previous_signing_secret",
                    wagtail_webhooks.models.fields.EncryptedField(
                        default=None, editable=False, null=True
                    ),
                ),
                ("previous_secret_until", models.DateTimeField(editable=False, null=True)),
                (
                    "format",
                    models.CharField(
                        choices=wagtail_webhooks.payloads.format_choices,
                        default="standard",
                        max_length=40,
                        verbose_name="format",
                    ),
                ),
                (
                    "extra_signatures",
                    models.JSONField(
                        blank=True, default=list, editable=False, verbose_name="further signatures"
                    ),
                ),
                (
                    "owner_email",
                    models.EmailField(
                        blank=True,
                        help_text="Who is told when deliveries begin to fail, are held, and work again.",
                        max_length=254,
                        verbose_name="owner’s e-mail address",
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="How many the receiver can take at once. Empty: the site’s default.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(64),
                        ],
                        verbose_name="requests at the same time",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "archived_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="archived"),
                ),
            ],
            options={
                "verbose_name": "endpoint",
                "verbose_name_plural": "endpoints",
                "ordering": ["name", "pk"],
                "permissions": [
                    ("reveal_secret", "Can reveal the signing secrets of endpoints"),
                    ("send_test", "Can send test events"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("worker", models.CharField(max_length=120, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField(db_index=True)),
                ("sent", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Wake",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("waiting_since", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AttemptBody",
            fields=[
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="answer",
                        serialize=False,
                        to="wagtail_webhooks.attempt",
                    ),
                ),
                ("text", models.TextField()),
                ("truncated", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="DeliveryBody",
            fields=[
                (
                    "delivery",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="own_body",
                        serialize=False,
                        to="wagtail_webhooks.delivery",
                    ),
                ),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="wagtail_webhooks.delivery",
            ),
        ),
        migrations.CreateModel(
            name="EndpointState",
            fields=[
                (
                    "endpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="wagtail_webhooks.endpoint",
                    ),
                ),
                (
                    "hold",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("failing", "its receiver has failed for a day"),
                            ("gone", "its receiver says that it is gone for good (410)"),
                            ("secret", "its secret or URL cannot be decrypted"),
                            ("url", "its URL is not allowed"),
                            ("paused", "somebody paused it"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("held_at", models.DateTimeField(null=True)),
                ("next_probe_at", models.DateTimeField(null=True)),
                ("probe_delay", models.PositiveIntegerField(default=0, help_text="Seconds.")),
                ("not_before", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                (
                    "told",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "nothing"),
                            ("failing", "that deliveries fail"),
                            ("held", "that deliveries are held"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="wagtail_webhooks.endpoint",
                verbose_name="endpoint",
            ),
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=wagtail_webhooks.models.messages.new_message_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("event_type", models.CharField(max_length=100, verbose_name="event type")),
                (
                    "occurred_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="occurred"
                    ),
                ),
                ("body", models.TextField(blank=True, default="")),
                ("body_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("body_size", models.PositiveIntegerField(default=0)),
                ("source_label", models.CharField(blank=True, default="", max_length=100)),
                ("source_pk", models.CharField(blank=True, default="", max_length=64)),
                ("key", models.CharField(max_length=64, null=True)),
                ("deadline", models.DateTimeField(null=True)),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unprepared", "its deliveries could not be written yet"),
                            ("unencodable", "its data cannot be written as JSON"),
                            ("too_large", "its data is larger than the site allows"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("problem_detail", models.CharField(blank=True, default="", max_length=200)),
                ("named_endpoints", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "page",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=swapper.get_model_name("wagtailcore", "Page"),
                        verbose_name="page",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="wagtail_webhooks.message",
            ),
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "event_type",
                    models.CharField(db_index=True, max_length=100, verbose_name="event type"),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("site", "the whole site"),
                            ("subtree", "a page and everything below it"),
                        ],
                        default="site",
                        max_length=10,
                        verbose_name="scope",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="wagtail_webhooks.endpoint",
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=swapper.get_model_name("wagtailcore", "Page"),
                        verbose_name="page",
                    ),
                ),
            ],
            options={
                "verbose_name": "subscription",
                "verbose_name_plural": "subscriptions",
            },
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["source_label", "source_pk"], name="webhooks_message_source"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("problem", ""), _negated=True),
                fields=["problem"],
                name="webhooks_message_problem",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                fields=("event_type", "key"), name="webhooks_message_key"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["status", "next_attempt_at"], name="webhooks_delivery_due"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["endpoint", "status", "is_retry", "next_attempt_at"],
                name="webhooks_delivery_claim",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "sending")),
                fields=["leased_until"],
                name="webhooks_delivery_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("message", "endpoint"), name="webhooks_delivery_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("page", None), ("scope", "site")),
                    models.Q(("page__gt", 0), ("scope", "subtree")),
                    _connector="OR",
                ),
                name="webhooks_subscription_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "event_type", "page"), name="webhooks_subscription_unique"
            ),
        ),
    ]
