import pytest

from crawler.errors import SettingsError
from crawler.host_table import HostSettings, HostTable
from crawler.settings import Layer, merge


def table(*tables):
    return HostTable([HostSettings(**fields) for fields in tables])


def test_a_host_that_no_table_matches_has_nothing_of_its_own():
    assert table({"match": "a.example", "delay": 3}).of("b.example") == HostSettings("b.example")


@pytest.mark.parametrize(
    ("match", "host", "fits"),
    [
        ("a.example", "a.example", True),
        ("a.example", "a.example:8080", True),
        ("a.example:8080", "a.example:8080", True),
        ("a.example:8080", "a.example", False),
        ("a.example", "b.a.example", False),
        ("*.a.example", "b.a.example:81", True),
        ("*.a.example", "a.example", False),
        ("A.Example", "a.example", True),
        ("*", "[::1]:80", True),
    ],
)
def test_patterns_are_of_names_with_or_without_a_port(match, host, fits):
    assert (table({"match": match, "delay": 3}).of(host).delay == 3) is fits


def test_for_each_field_the_first_table_that_has_it_decides():
    hosts = table(
        {"match": "a.*", "delay": 1}, {"match": "*", "delay": 2, "per_host": 4}, {"match": "*", "per_host": 9}
    )
    assert hosts.of("a.example") == HostSettings("a.example", delay=1, per_host=4)


def test_the_tables_of_a_stronger_layer_are_asked_first():
    layers = [
        Layer("file", {"host": [{"match": "*", "delay": 1, "per_host": 2}]}),
        Layer("flag", {"host": '[{"match": "*", "delay": 5}]'}),
    ]
    settings = merge(layers)
    assert HostTable(settings.host).of("x") == HostSettings("x", delay=5, per_host=2)


def test_a_field_that_does_not_exist_is_told():
    with pytest.raises(SettingsError, match="dely"):
        merge([Layer("file", {"host": [{"match": "*", "dely": 1}]})])


def test_what_is_remembered_of_hosts_has_a_bound():
    hosts = table({"match": "*", "delay": 1})
    for number in range(25_000):
        hosts.of(f"h{number}")
    assert len(hosts._known) <= 10_000


def test_names_of_other_scripts_are_meant_as_urls_have_them():
    table = HostTable([HostSettings("*.Bücher.example", delay=3.0)])
    assert table.of("www.xn--bcher-kva.example").delay == 3.0
    assert HostTable([HostSettings("a..ü" * 40, delay=3.0)]).of("a").delay is None
