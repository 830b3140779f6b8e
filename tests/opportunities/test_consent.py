"""The consent text: its versions, the box that citizens tick, and what is kept of it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse
from wagtail.models import Locale, Page, Site

from tests.factories import answers
from wagtail_webhooks.contract.forms import forms_reaching
from wagtail_webhooks.models import Message
from wagtail_webhooks.opportunities.forms import CONSENT_NAME
from wagtail_webhooks.opportunities.models import ConsentText, Lead, OpportunityPage


pytestmark = pytest.mark.django_db

SENTENCE = "The department may use my details to answer me."


@pytest.fixture
def text(db: None) -> ConsentText:
    return make_text()


def make_text(sentence: str = SENTENCE, **values: Any) -> ConsentText:
    return ConsentText.objects.create(**{"text": f"<p>{sentence}</p>", **values})


def soup_of(response: Any) -> BeautifulSoup:
    return BeautifulSoup(response.content, "html.parser")


def box_in(response: Any) -> Tag | None:
    return soup_of(response).select_one(f"input[name={CONSENT_NAME}]")


def agree(client: Client, page: Any, version: object, **values: str) -> Any:
    token = soup_of(client.get(page.url)).select_one("input[name=form-token]")["value"]
    sent = {CONSENT_NAME: str(version), "form-token": token, **values}
    return client.post(page.url, answers(**sent))


def test_without_a_text_there_is_no_box_and_no_consent(
    client: Client, opportunity: OpportunityPage
) -> None:
    assert box_in(client.get(opportunity.url)) is None
    client.post(opportunity.url, answers())
    assert Lead.objects.get().consent_text is None
    assert json.loads(Message.objects.get().body)["data"]["consent"] is None


def test_the_text_stands_above_a_box_that_is_not_ticked(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    response = client.get(opportunity.url)
    box = box_in(response)
    assert box is not None
    assert not box.has_attr("checked")
    described = soup_of(response).find(id=box["aria-describedby"])
    assert SENTENCE in described.get_text()


def test_whoever_does_not_agree_is_told_at_the_box_and_nothing_is_stored(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    response = client.post(opportunity.url, answers())
    box = box_in(response)
    assert box is not None
    assert "Without your agreement" in soup_of(response).find(id=f"{box['id']}_error").get_text()
    assert soup_of(response).select_one(f".opp-notice--error a[href='#{box['id']}']")
    assert not Lead.objects.exists()


def test_the_lead_and_its_receivers_know_which_version_was_agreed_to(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    assert agree(client, opportunity, text.pk).status_code == 302
    lead = Lead.objects.get()
    assert lead.consent_text == text
    data = json.loads(Message.objects.get().body)["data"]
    assert data["consent"]["version"] == text.pk
    assert data["consent"]["language"] == "en-gb"
    assert data["consent"]["since"][:19] == text.created_at.isoformat()[:19]


def test_consent_is_not_among_the_answers(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    agree(client, opportunity, text.pk)
    assert Lead.objects.get().form_data == answers()
    data = json.loads(Message.objects.get().body)["data"]
    assert [answer["name"] for answer in data["answers"]] == list(answers())
    (shape,) = forms_reaching(None)
    assert [answer.name for answer in shape.answers] == list(answers())


def test_a_text_that_changed_meanwhile_is_asked_for_again(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    newer = make_text("My details may be kept for ten years.")
    response = agree(client, opportunity, text.pk)

    assert not Lead.objects.exists()
    box = box_in(response)
    assert box is not None
    assert box["value"] == str(newer.pk)
    assert not box.has_attr("checked")
    assert "ten years" in soup_of(response).get_text()
    assert "has changed since you opened the page" in soup_of(response).get_text()
    assert soup_of(response).select_one("textarea[name=message]").get_text().strip()

    assert agree(client, opportunity, box["value"]).status_code == 302
    assert Lead.objects.get().consent_text == newer


@pytest.mark.parametrize("forged", ["", "0", "-1", "on", "true", "999999999999999999999", "1 OR 1"])
def test_no_other_value_is_agreement(
    client: Client, opportunity: OpportunityPage, text: ConsentText, forged: str
) -> None:
    assert agree(client, opportunity, forged).status_code == 200
    assert not Lead.objects.exists()


def test_a_ticked_box_stays_ticked_while_something_else_is_mended(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    box = box_in(agree(client, opportunity, text.pk, message=""))
    assert box is not None
    assert box.has_attr("checked")


def test_a_double_click_makes_one_lead_with_consent_too(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    token = soup_of(client.get(opportunity.url)).select_one("input[name=form-token]")["value"]
    sent = answers(**{CONSENT_NAME: str(text.pk), "form-token": token})
    first, second = (client.post(opportunity.url, sent) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert Lead.objects.count() == 1


def test_who_agreed_once_and_sends_it_again_after_a_change_has_still_sent_one_lead(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    token = soup_of(client.get(opportunity.url)).select_one("input[name=form-token]")["value"]
    sent = answers(**{CONSENT_NAME: str(text.pk), "form-token": token})
    client.post(opportunity.url, sent)
    newer = make_text("Something else.")
    for agreed in (text, newer):
        again = client.post(opportunity.url, {**sent, CONSENT_NAME: str(agreed.pk)})
        assert again.status_code == 302
    assert Lead.objects.get().consent_text == text


def test_an_empty_version_ends_the_asking(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    ConsentText.objects.create(text='<p data-block-key="a1b2c"></p>')
    assert box_in(client.get(opportunity.url)) is None
    # Whoever opened the form before has agreed to more than is asked.
    assert agree(client, opportunity, text.pk).status_code == 302
    assert Lead.objects.get().consent_text is None


def test_each_language_has_its_own_text_and_lacks_none(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    welsh = Locale.objects.create(language_code="cy")
    Page.objects.filter(pk=opportunity.pk).update(locale=welsh)
    box = box_in(client.get(opportunity.url))
    assert box is not None
    assert box["value"] == str(text.pk)
    assert soup_of(client.get(opportunity.url)).select_one(".opp-help [lang=en-gb]")

    own = make_text("Caf fy ngofyn.", language="cy")
    box = box_in(client.get(opportunity.url))
    assert box is not None
    assert box["value"] == str(own.pk)

    make_text("", language="cy")
    assert box_in(client.get(opportunity.url)) is None


def test_a_version_is_never_changed_and_lasts_as_long_as_a_lead(
    client: Client, opportunity: OpportunityPage, text: ConsentText
) -> None:
    agree(client, opportunity, text.pk)
    text.text = "<p>Something that nobody agreed to.</p>"
    with pytest.raises(TypeError):
        text.save()
    with pytest.raises(ProtectedError):
        text.delete()
    Lead.objects.all().delete()
    text.delete()


def test_a_text_with_a_link_to_a_page_leads_there(
    client: Client, opportunity: OpportunityPage
) -> None:
    root = Site.objects.get(is_default_site=True).root_page
    make_text(f'See <a linktype="page" id="{root.pk}">what we keep</a>.')
    link = soup_of(client.get(opportunity.url)).select_one(".opp-help a")
    assert link is not None
    assert link["href"] == root.url


def test_the_list_of_leads_and_its_export_name_the_version(
    client: Client, admin_user: Any, opportunity: OpportunityPage, text: ConsentText
) -> None:
    agree(client, opportunity, text.pk)
    client.force_login(admin_user)
    url = reverse("wagtailforms:list_submissions", args=[opportunity.pk])
    assert str(text) in soup_of(client.get(url)).get_text()
    exported = b"".join(client.get(url, {"export": "csv"}).streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(exported))
    assert row["Consent"] == str(text)


def test_the_list_of_leads_needs_no_query_for_each(
    client: Client,
    admin_user: Any,
    opportunity: OpportunityPage,
    text: ConsentText,
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(12):
        agree(client, opportunity, text.pk, name=f"Citizen {number}")
    client.force_login(admin_user)
    url = reverse("wagtailforms:list_submissions", args=[opportunity.pk])
    client.get(url)
    with django_assert_max_num_queries(20):
        client.get(url)


class TestEditors:
    @pytest.fixture(autouse=True)
    def log_in(self, client: Client, admin_user: Any) -> None:
        client.force_login(admin_user)

    @staticmethod
    def url(name: str, *args: Any) -> str:
        return reverse(ConsentText.snippet_viewset.get_url_name(name), args=args)  # type: ignore[attr-defined]

    def test_a_copy_of_the_present_text_becomes_the_next_version(
        self, client: Client, text: ConsentText
    ) -> None:
        form = soup_of(client.get(self.url("copy", text.pk))).select_one("main form[method=POST]")
        assert SENTENCE in str(form)
        content = json.dumps({
            "blocks": [{
                "key": "abcde", "type": "unstyled", "depth": 0, "text": "Now otherwise.",
                "inlineStyleRanges": [], "entityRanges": [],
            }],
            "entityMap": {},
        })  # fmt: skip
        client.post(form["action"], {"language": "en-gb", "text": content})
        newer = ConsentText.objects.in_force("en-gb")
        assert newer is not None
        assert newer.plain_text == "Now otherwise."
        assert ConsentText.objects.count() == 2

    def test_the_list_says_which_version_is_in_force(
        self, client: Client, text: ConsentText
    ) -> None:
        make_text("Now otherwise.")
        rows = soup_of(client.get(self.url("list"))).select("main tbody tr")
        assert ["Now otherwise." in row.get_text() for row in rows] == [True, False]
        assert [bool(row.select_one(".icon-check")) for row in rows] == [True, False]
        links = [link["href"] for row in rows for link in row.select("a.w-header-link, .title a")]
        assert self.url("inspect", text.pk) in links

    def test_nobody_edits_or_deletes_a_version(self, client: Client, text: ConsentText) -> None:
        for name in ("edit", "delete"):
            client.post(self.url(name, text.pk), {"language": "en-gb", "text": "null"})
        assert [each.plain_text for each in ConsentText.objects.all()] == [SENTENCE]
        shown = client.get(self.url("inspect", text.pk))
        assert SENTENCE in shown.content.decode()
        assert self.url("edit", text.pk) not in shown.content.decode()

    def test_whoever_may_not_add_texts_may_not_copy_them(
        self, client: Client, text: ConsentText, editor: Any
    ) -> None:
        client.force_login(editor)
        client.post(self.url("add"), {"language": "en-gb", "text": "null"})
        assert client.get(self.url("copy", text.pk)).status_code == 302
        assert ConsentText.objects.count() == 1
