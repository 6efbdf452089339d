import pytest

from crawler.host_table import HostSettings, HostTable
from crawler.request import Request
from crawler.response import Route
from crawler.rules import route
from crawler.rules.route import Router, Starts
from crawler.verdict import GO, Drop, Go


def router(*starts, allow=(), tables=(), proxy="", verify=True, resolved=str):
    made = Router(Starts(), allow=allow, table=HostTable(tables), proxy=proxy, verify=verify, resolved=resolved)
    for url in starts:
        assert made.found(Request(url)) is GO
    return made


def link(url):
    return Request(url, depth=1, parent="http://public.example/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "0.0.0.0",
        "10.0.0.1:80",
    ],
)
def test_links_to_private_addresses_are_refused(host):
    verdict = router("http://public.example/").found(link(f"http://{host}/x"))
    assert isinstance(verdict, Drop)
    assert verdict.reason.startswith("guard: ")
    assert "guard.allow" in verdict.reason


@pytest.mark.parametrize("host", ["1.1.1.1", "example.org", "example.org:8080", "[2606:4700::1]", "host7"])
def test_others_are_not(host):
    assert router().found(link(f"http://{host}/")) is GO


@pytest.mark.parametrize("allow", ["10.1.2.0/24", "10.1.2.3:8080", "10.1.2.3"])
def test_what_is_allowed_may_be_visited(allow):
    assert router(allow=[allow]).found(link("http://10.1.2.3:8080/")) is GO
    assert isinstance(router(allow=["10.1.3.0/24"]).found(link("http://10.1.2.3:8080/")), Drop)


def test_the_host_of_a_start_may_be_private_on_that_port_only():
    one = router("http://10.1.2.3:8080/")
    assert one.found(link("http://10.1.2.3:8080/a")) is GO
    assert isinstance(one.found(link("http://10.1.2.3:8081/a")), Drop)
    assert one.before(link("http://10.1.2.3:8080/a")) == Go(route=Route(private=True))


def test_an_address_is_looked_at_once_however_many_links_lead_there(monkeypatch):
    looked = []
    monkeypatch.setattr(route, "is_private", lambda address: looked.append(address) or True)
    one = router(allow=["10.1.2.0/24"])
    for number in range(3):
        assert one.found(link(f"http://10.1.2.3/{number}")) is GO
        assert isinstance(one.found(link(f"http://10.9.9.9:8080/{number}")), Drop)
    assert looked == ["10.1.2.3", "10.9.9.9"]


def test_a_start_that_comes_late_allows_what_was_refused():
    one = router()
    assert isinstance(one.found(link("http://10.1.2.3/a")), Drop)
    assert one.found(Request("http://10.1.2.3/")) is GO
    assert one.found(link("http://10.1.2.3/a")) is GO


def test_a_redirect_of_a_start_is_no_start():
    one = router()
    hop = Request("http://10.1.2.3/", hops=("http://public.example/",))
    assert isinstance(one.found(hop), Drop)


def test_a_start_that_comes_late_changes_the_way():
    one = router()
    assert one.before(link("http://intranet.example/")) is GO
    one.found(Request("http://intranet.example/"))
    assert one.before(link("http://intranet.example/")) == Go(route=Route(private=True))


def test_starts_of_earlier_parts_of_the_run_count():
    one = Router(Starts({"10.1.2.3"}), allow=[], table=HostTable(()), proxy="", verify=True)
    assert one.found(link("http://10.1.2.3/")) is GO


def test_allowed_names_may_resolve_to_private_addresses():
    one = router(allow=["intranet.example"])
    assert one.before(link("http://intranet.example:81/")) == Go(route=Route(private=True))
    assert one.before(link("http://www.intranet.example/")) is GO


def test_proxies_and_certificates_are_settings_of_all_or_of_single_hosts():
    tables = [HostSettings("a.example", proxy=""), HostSettings("b.example", verify=False, proxy="env:P")]
    one = router(tables=tables, proxy="http://p:1", resolved=lambda value: "http://q:2" if value == "env:P" else value)
    assert one.before(link("http://a.example/")) is GO
    assert one.before(link("http://b.example/")) == Go(route=Route(verify=False, proxy="http://q:2"))
    assert one.before(link("http://c.example/")) == Go(route=Route(proxy="http://p:1"))
