"""Made from the models as they are: they change with our mixins, and a test's database is new."""

import swapper
from django.apps import apps
from django.db import migrations
from django.db.migrations.state import ModelState


swapper.set_app_prefix("wagtailcore", "wagtail")


def creation(name):
    state = ModelState.from_model(apps.get_model("own_opportunities", name))
    fields = list(state.fields.items())
    return migrations.CreateModel(state.name, fields, state.options, state.bases, state.managers)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("wagtailcore", "0094_alter_page_locale"),
        ("wagtail_webhooks", "0001_initial"),
        ("webhooks_opportunities", "0003_consent"),
        swapper.dependency("wagtailcore", "Page"),
    ]

    operations = [
        creation("Agency"),
        creation("Enquiry"),
        creation("ProgrammeIndexPage"),
        creation("ProgrammePage"),
        creation("ProgrammeField"),
        creation("ProgrammeEndpoint"),
    ]
