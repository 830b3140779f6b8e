"""U1 and A4: which URLs and addresses may be called."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from wagtail_webhooks.addresses import Policy, Target, address_problem, check_url
from wagtail_webhooks.exceptions import URLNotAllowed


STRICT = Policy()
LAB_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
LAB = Policy(
    allowed_private_networks=LAB_NETWORKS,
    allowed_ports=frozenset({80, 443, 8900}),
    allow_http=True,
)


def refusal(url: str, policy: Policy = STRICT) -> URLNotAllowed:
    with pytest.raises(URLNotAllowed) as caught:
        check_url(url, policy)
    return caught.value


class TestURLs:
    @pytest.mark.parametrize(
        ("url", "canonical"),
        [
            ("https://example.org", "https://example.org/"),
            ("HTTPS://CRM.Example.ORG.:443/Leads", "https://crm.example.org/Leads"),
            ("https://example.org?sig=a%2Fb", "https://example.org/?sig=a%2Fb"),
            ("https://example.org:/x?", "https://example.org/x"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://1.1.1.1/", "https://1.1.1.1/"),
            ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
            (
                "https://x.sharepoint.com/_api/web/lists/getbytitle('Leads')/items",
                "https://x.sharepoint.com/_api/web/lists/getbytitle('Leads')/items",
            ),
        ],
    )
    def test_a_public_https_url_is_allowed_in_canonical_form(self, url, canonical):
        assert check_url(url, STRICT).url == canonical

    def test_the_target_has_the_parts_that_a_connection_needs(self):
        target = check_url("http://[FD00:0::1]:8900/a/../b?c", LAB)
        assert target == Target(
            "http", "fd00::1", 8900, "/a/../b?c", "http://[fd00::1]:8900/a/../b?c"
        )

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("", "malformed"),
            ("example.org/leads", "malformed"),
            ("https:///leads", "malformed"),
            ("https://example.org/a b", "malformed"),
            ("https://example.org\\@127.0.0.1/", "malformed"),
            ("https://exa\tmple.org/", "malformed"),
            ("https://example.org/\r\nHost: x", "malformed"),
            ("https://example.org/ñ", "malformed"),
            ("https://example.org/" + "a" * 2_048, "malformed"),
            ("https://[::1", "malformed"),
            ("https://example.org/#part", "fragment"),
            ("http://example.org/", "scheme"),
            ("ftp://example.org/", "scheme"),
            ("file://example.org/etc/passwd", "scheme"),
            ("https://user:password@example.org/", "credentials"),
            ("https://example.org@127.0.0.1/", "credentials"),
            ("https://example.org:8443/", "port"),
            ("https://example.org:0/", "port"),
            ("https://example.org:99999/", "port"),
        ],
    )
    def test_a_url_outside_the_rules_is_refused_with_the_rules_code(self, url, code):
        assert refusal(url).code == code

    @pytest.mark.parametrize(
        "host",
        [
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.01",
            "0x7f.0.0.1",
            "example.org.127",
            "a..example.org",
            "-a.example.org",
            "a_b.example.org",
            "exa%6dple.org",
            "ｅxample.org",
            "①②⑦.0.0.1",
            "example。org",
            "xn--zz--.org",
            "xn--bcher-kva.xn--",
            "a" * 64 + ".org",
            ".".join(["a" * 60] * 5),
            "[fe80::1%25eth0]",
            "[::1]example.org",
            "[v1.x]",
            "example.org:443x",
            "exam​ple.org",
            "Krm.example.org",
            "127。0。0。1",
            "127.0.0.1.",
            "[::ffff:127.0.0.1%25lo]",
            "[0:0:0:0:0:ffff:127.0.0.1",
            "127.0.0.1%00.example.org",
            "xn--localhost-.org",
            "㍱.org",
        ],
    )
    def test_a_disguised_or_impossible_host_is_refused(self, host):
        assert refusal(f"https://{host}/").code in {"host", "malformed"}

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]"]
        + ["[64:ff9b::7f00:1]", "[2606:4700::5efe:7f00:1]", "LOCALHOST.", "x.localhost"]
        + ["localhost", "intranet", "crm.local", "metadata.google.internal"],
    )
    def test_a_private_host_is_refused_unless_the_operator_opens_a_network(self, host):
        assert refusal(f"https://{host}/").code == "private"

    def test_an_opened_network_allows_its_addresses_and_internal_names_only(self):
        assert check_url("http://127.0.0.1:8900/", LAB).host == "127.0.0.1"
        assert check_url("https://[::ffff:127.0.0.1]/", LAB).port == 443
        assert check_url("http://localhost/", LAB).port == 80
        assert refusal("https://10.0.0.1/", LAB).code == "private"

    def test_the_list_of_hosts_matches_exactly_or_by_suffix(self):
        policy = Policy(allowed_hosts=("crm.example.org", ".gov.pr"))
        assert check_url("https://crm.example.org/", policy)
        assert check_url("https://bde.gov.pr/", policy)
        for host in ["example.org", "x.crm.example.org", "gov.pr", "evilgov.pr", "gov.pr.evil.org"]:
            assert refusal(f"https://{host}/", policy).code == "not_listed"

    def test_http_needs_its_port_listed_too(self):
        assert refusal("http://example.org/", Policy(allow_http=True)).code == "port"

    def test_the_policy_is_read_from_the_setting_at_each_call(self, settings):
        settings.WAGTAIL_WEBHOOKS = {
            "ALLOWED_HOSTS": ["Bücher.example.", ".GOV.PR", "[::1]"],
            "ALLOWED_PRIVATE_NETWORKS": ["127.0.0.1/8"],
            "ALLOWED_PORTS": [443, 8900],
            "ALLOW_HTTP": True,
        }
        assert Policy.from_conf() == Policy(
            ("xn--bcher-kva.example", ".gov.pr", "::1"),
            (ip_network("127.0.0.0/8"),),
            frozenset({443, 8900}),
            True,
        )
        settings.WAGTAIL_WEBHOOKS = {}
        assert Policy.from_conf() == STRICT
        assert check_url("https://example.org/").port == 443

    def test_a_network_that_is_none_is_named_as_a_wrong_setting(self, settings):
        settings.WAGTAIL_WEBHOOKS = {"ALLOWED_PRIVATE_NETWORKS": ["10.0.0.0/99"]}
        with pytest.raises(ImproperlyConfigured, match="ALLOWED_PRIVATE_NETWORKS"):
            Policy.from_conf()

    def test_the_sentence_says_what_is_allowed_and_never_repeats_the_url(self):
        policy = Policy(allowed_hosts=("crm.example.org",), allowed_ports=frozenset({443, 8443}))
        with translation.override("en"):
            assert "crm.example.org" in str(refusal("https://evil.example/s3cret", policy))
            assert "443, 8443" in str(refusal("https://crm.example.org:1/s3cret", policy))
            for url in ["http://s3cret.org", "https://s3cret@x.org", "https://s3cret_.org"]:
                assert "s3cret" not in str(refusal(url))
                assert str(refusal(url)).endswith(".")

    def test_a_target_does_not_show_its_secret_parts(self):
        assert "s3cret" not in repr(check_url("https://example.org/s3cret?sig=s3cret", STRICT))


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["8.8.8.8", "1.1.1.1", "100.128.0.0", "2606:4700::1111", "2001:4860:4860::8888"]
        + ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
    )
    def test_public_addresses_may_be_called(self, address):
        assert address_problem(address, STRICT) is None

    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "168.63.129.16", "169.254.169.254"]
        + ["192.88.99.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0"]
        + ["fec0::1", "fc00::1", "ff02::1", "2002:7f00:1::", "2001:0:7f00:1::", "3fff::1"]
        + ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:8.8.8.8", "::ffff:0:127.0.0.1"]
        + ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "::127.0.0.1", "5f00::1"]
        + ["2606:4700::1%eth0", "example.org", ""],
    )
    def test_special_addresses_may_not(self, address):
        assert address_problem(address, STRICT)

    def test_an_opened_network_counts_for_the_address_inside_too(self):
        assert address_problem("127.0.0.1", LAB) is None
        assert address_problem("::ffff:127.0.0.1", LAB) is None
        assert address_problem("64:ff9b::127.0.0.1", LAB) is None
        assert address_problem("fd12::1", LAB) is None
        assert address_problem("10.0.0.1", LAB)
