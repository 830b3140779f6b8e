from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry, Page, Site

from wagtail_webhooks.admin.forms import EditEndpointForm
from wagtail_webhooks.models import Endpoint, EndpointState
from wagtail_webhooks.secrets import Secret

from .conftest import URL, text_of


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = {"name": "Labour", "url": "https://labour.example.org/in?k=1", "signing_secret": SECRET,
        "format": "standard"}  # fmt: skip


def create(browser: Client, **changes: Any) -> Any:
    return browser.post(reverse("wagtail_webhooks_endpoints:add"), {**GOOD, **changes})


def edit(browser: Client, endpoint: Endpoint, **changes: Any) -> Any:
    url = reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk])
    return browser.post(url, {"name": endpoint.name, "format": "standard", **changes})


def hold(endpoint: Endpoint, reason: str) -> None:
    EndpointState.objects.filter(pk=endpoint.pk).update(hold=reason, held_at=timezone.now())


def hold_of(endpoint: Endpoint) -> str:
    return EndpointState.objects.get(pk=endpoint.pk).hold


def test_a_new_endpoint_has_the_url_the_secret_and_its_subscriptions(root: Client) -> None:
    response = create(root, event_types=["page.*", "form.submitted"], extra_signatures=["github"],
                      owner_email="owner@example.org", concurrency="2")  # fmt: skip
    made = Endpoint.objects.get()
    assert response.url == reverse("wagtail_webhooks_endpoints:inspect", args=[made.pk])
    assert made.url.reveal() == GOOD["url"]
    assert made.signing_secret.reveal() == SECRET
    assert (made.host, made.extra_signatures) == ("labour.example.org", ["github"])
    assert (made.owner_email, made.concurrency) == ("owner@example.org", 2)
    rows = made.subscriptions.order_by("event_type").values_list("event_type", "scope", "page")
    assert list(rows) == [("form.submitted", "site", None), ("page.*", "site", None)]


def test_a_sites_own_format_can_be_chosen(root: Client, settings: Any) -> None:
    settings.WAGTAIL_WEBHOOKS = {"FORMATS": ["tests.payloads.formats.Lines"]}
    page = text_of(root.get(reverse("wagtail_webhooks_endpoints:add")))
    assert "Lines of text" in page
    create(root, format="lines")
    assert Endpoint.objects.get().format == "lines"


def test_a_format_that_is_gone_stays_chosen_until_somebody_chooses_another(
    root: Client, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(format="lines")
    page = root.get(reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk]))
    assert "“lines”, which this site has no longer" in text_of(page)
    refused = edit(root, endpoint, format="lines", name="Renamed")
    assert set(refused.context["form"].errors) == {"format"}
    assert edit(root, endpoint, format="slack").status_code == 302
    assert Endpoint.objects.get().format == "slack"


@pytest.mark.parametrize("host", ["hooks.slack.com", "hooks.slack-gov.com"])
def test_slack_is_sent_slack_messages_only(root: Client, endpoint: Endpoint, host: str) -> None:
    """Else it would refuse everything, and nobody would know why before the first lead."""
    url = f"https://{host}/services/T0/B0/x"
    errors = create(root, url=url).context["form"].errors
    assert "choose the format “Slack message”" in str(errors["format"])
    assert create(root, url=url, format="slack").status_code == 302
    assert create(root, url=f"https://{host}/triggers/T0/x").status_code == 302

    stored = Endpoint.objects.get(format="slack")
    assert set(edit(root, stored, format="form").context["form"].errors) == {"format"}
    assert edit(root, stored, format="form", url=GOOD["url"]).status_code == 302


def test_an_endpoint_can_be_spared(root: Client) -> None:
    create(root, rate_limit="0.5", coalesce_seconds="60")
    made = Endpoint.objects.get()
    assert (float(made.rate_limit or 0), made.coalesce_seconds) == (0.5, 60)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate_limit", "0"),
        ("rate_limit", "-1"),
        ("coalesce_seconds", "86401"),
        ("concurrency", "0"),
    ],
)
def test_a_limit_that_makes_no_sense_is_explained(root: Client, field: str, value: str) -> None:
    assert set(create(root, **{field: value}).context["form"].errors) == {field}


def test_a_subscription_can_be_limited_to_what_is_below_a_page(root: Client, home: Page) -> None:
    create(root, event_types=["page.published"], below_page=home.pk)
    row = Endpoint.objects.get().subscriptions.get()
    assert (row.scope, row.page_id) == ("subtree", home.pk)


def test_the_form_offers_a_fresh_secret_each_time(root: Client) -> None:
    pages = [text_of(root.get(reverse("wagtail_webhooks_endpoints:add"))) for _ in range(2)]
    secrets = {page.split('value="whsec_')[1].split('"')[0] for page in pages}
    assert len(secrets) == 2
    assert all('autocomplete="off"' in page for page in pages)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "required"),
        ("not a url", "https"),
        ("http://hooks.example.org/", "https"),
        ("https://127.0.0.1/", "public"),
        ("https://hooks.example.org:8443/", "ports"),
    ],
)
def test_a_bad_url_is_explained_at_its_field(root: Client, url: str, says: str) -> None:
    response = create(root, url=url)
    errors = response.context["form"].errors
    assert set(errors) == {"url"}
    assert len(errors["url"]) == 1
    assert says in errors["url"][0]
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_AAAA", "whsec_not base64!"])
def test_a_bad_secret_is_explained_at_its_field(root: Client, secret: str) -> None:
    errors = create(root, signing_secret=secret).context["form"].errors
    assert set(errors) == {"signing_secret"}
    assert len(errors["signing_secret"]) == 1
    assert not Endpoint.objects.exists()


def test_an_empty_url_keeps_the_one_there_is(root: Client, endpoint: Endpoint) -> None:
    secret = endpoint.signing_secret.reveal()
    assert edit(root, endpoint, name="Renamed", url="").status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.url.reveal()) == ("Renamed", URL)
    assert endpoint.signing_secret.reveal() == secret


def test_the_secret_cannot_be_changed_by_a_crafted_edit(root: Client, endpoint: Endpoint) -> None:
    secret = endpoint.signing_secret.reveal()
    edit(root, endpoint, signing_secret=SECRET, host="evil.example", archived_at="2020-01-01")
    endpoint.refresh_from_db()
    assert endpoint.signing_secret.reveal() == secret
    assert (endpoint.host, endpoint.archived_at) == ("hooks.example.org", None)


def test_saving_does_not_undo_what_somebody_did_meanwhile(
    root: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another editor rotates and archives between the reading and the writing of the row."""
    secret: list[str] = []

    def meanwhile(form: Any) -> None:
        other = Endpoint.objects.get(pk=endpoint.pk)
        other.rotate()
        other.archive()
        secret.append(other.signing_secret.reveal())

    monkeypatch.setattr(EditEndpointForm, "clean", meanwhile)
    assert edit(root, endpoint, name="Renamed").status_code == 302

    endpoint.refresh_from_db()
    assert endpoint.name == "Renamed"
    assert endpoint.signing_secret.reveal() == secret[0]
    assert endpoint.previous_signing_secret is not None
    assert endpoint.archived_at is not None


@pytest.mark.parametrize(
    "url",
    ["https://www.gov.example/in", "https://www.gov.example:443/", "https://WWW.gov.example/x"],
)
def test_the_site_itself_is_no_receiver(root: Client, url: str) -> None:
    """A16"""
    Site.objects.update(hostname="www.gov.example", port=80)
    errors = create(root, url=url).context["form"].errors
    assert "itself" in errors["url"][0]
    assert not Endpoint.objects.exists()


def test_another_host_is_on_record(root: Client, endpoint: Endpoint) -> None:
    edit(root, endpoint, url="https://other.example.org/secret-place")
    entry = ModelLogEntry.objects.get(action="wagtail_webhooks.change_host")
    assert entry.data == {"old": "hooks.example.org", "new": "other.example.org"}
    assert entry.message == "URL moved from hooks.example.org to other.example.org"


@pytest.mark.parametrize("reason", ["url", "secret", "gone", "failing"])
def test_a_new_url_ends_a_hold(root: Client, endpoint: Endpoint, reason: str) -> None:
    hold(endpoint, reason)
    edit(root, endpoint, url="https://other.example.org/")
    assert hold_of(endpoint) == ""


def test_a_new_url_does_not_end_a_pause(root: Client, endpoint: Endpoint) -> None:
    hold(endpoint, "paused")
    edit(root, endpoint, url="https://other.example.org/")
    assert hold_of(endpoint) == "paused"


def test_what_was_not_typed_is_not_judged(root: Client, endpoint: Endpoint) -> None:
    endpoint.url = "http://10.0.0.1/"
    endpoint.save()
    assert edit(root, endpoint, name="Renamed").status_code == 302


def test_an_endpoint_that_cannot_be_decrypted_can_be_seen_and_mended(
    root: Client, endpoint: Endpoint
) -> None:
    endpoint.url, endpoint.signing_secret = Secret("garbage"), Secret("garbage")
    endpoint.save()
    hold(endpoint, "secret")
    for name in ("inspect", "edit"):
        url = reverse(f"wagtail_webhooks_endpoints:{name}", args=[endpoint.pk])
        assert root.get(url).status_code == 200
    assert edit(root, endpoint, url="https://other.example.org/").status_code == 302
    root.post(reverse("wagtail_webhooks_endpoints:rotate_secret", args=[endpoint.pk]))
    endpoint.refresh_from_db()
    assert endpoint.signing_secret.reveal().startswith("whsec_")
    assert endpoint.previous_signing_secret is None


def test_unticked_subscriptions_go_and_those_of_another_scope_stay(
    root: Client, endpoint: Endpoint, home: Page
) -> None:
    endpoint.subscriptions.create(event_type="page.published")
    endpoint.subscriptions.create(event_type="form.submitted")
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=home)
    edit(root, endpoint, event_types=["form.submitted", "*"])
    rows = endpoint.subscriptions.values_list("event_type", "page")
    assert set(rows) == {("form.submitted", None), ("*", None), ("page.*", home.pk)}


def test_subscriptions_move_with_the_page_they_are_limited_to(
    root: Client, endpoint: Endpoint, home: Page
) -> None:
    endpoint.subscriptions.create(event_type="page.*", scope="subtree", page=home)
    edit(root, endpoint, event_types=["page.*"], below_page="")
    row = endpoint.subscriptions.get()
    assert (row.event_type, row.scope, row.page) == ("page.*", "site", None)


def test_a_subscription_to_a_vanished_event_type_survives_an_edit(
    root: Client, endpoint: Endpoint
) -> None:
    endpoint.subscriptions.create(event_type="gone.away")
    page = root.get(reverse("wagtail_webhooks_endpoints:edit", args=[endpoint.pk]))
    assert "This site no longer has such events." in text_of(page)
    edit(root, endpoint, event_types=["gone.away"])
    assert endpoint.subscriptions.get().event_type == "gone.away"
