"""Settings: the documented keys are the typed ones, layers overlay each other, and errors say where and what else."""

import math
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crawler.errors import SettingsError
from crawler.settings import (
    Layer,
    Settings,
    config_layer,
    cores,
    default_layer,
    environment_layers,
    file_layer,
    flat,
    merge,
    nested,
    project_layer,
    shipped,
    version,
)

SHIPPED = sorted(path.stem for path in shipped("default").parent.glob("*.toml"))


def with_value(key, value, source="-s"):
    """The setting `key` after one layer has set it."""
    section, _, name = key.partition(".")
    return getattr(getattr(merge([Layer(source, {key: value})]), section), name)


def typed_keys():
    return {
        f"{section.name}.{key.name}"
        for section in msgspec.structs.fields(Settings)
        if section.name != "host"  # a list of tables
        for key in msgspec.structs.fields(section.type)
    }


def test_the_default_file_has_exactly_the_keys_of_the_classes():
    assert set(default_layer().values) == {*typed_keys(), "host"}


def test_no_section_of_the_classes_has_a_default_of_its_own():
    for section in msgspec.structs.fields(Settings)[1:]:
        assert all(field.required for field in msgspec.structs.fields(section.type))


def test_every_key_of_the_default_file_is_explained():
    previous = ""
    for line in shipped("default").read_text(encoding="utf-8").splitlines():
        if re.match(r"[a-z_]+ = ", line):  # a comment may speak for a few keys that belong together
            assert previous.startswith("#") or re.match(r"[a-z_]+ = ", previous), line
        previous = line


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_load_by_their_bare_names(name):
    layer = config_layer(name)
    settings = merge([layer])
    for key, value in layer.values.items():
        section, _, field = key.partition(".")
        if key not in ("fetch.user_agent", "host"):
            assert getattr(getattr(settings, section), field) == value


def test_the_shipped_ones_are_the_ones_told():
    assert SHIPPED == ["default", "fast", "polite"]


def test_a_later_layer_wins():
    layers = [
        Layer("file", {"politeness.delay": 1.0, "fetch.timeout": 7.0}),
        Layer("--delay", {"politeness.delay": 2.0}),
    ]
    settings = merge(layers)
    assert (settings.politeness.delay, settings.fetch.timeout) == (2.0, 7.0)
    assert merge(layers[::-1]).politeness.delay == 1.0
    assert settings.politeness.per_host == default_layer().values["politeness.per_host"]


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["politeness.delay", "crawl.workers", "limits.max_pages"]), st.integers(0, 9)),
        max_size=5,
    )
)
@hypothesis_settings(max_examples=50, deadline=None)
def test_the_strongest_layer_that_names_a_key_decides(tables):
    settings = merge([Layer(str(number), table) for number, table in enumerate(tables)])
    expected = {**default_layer().values}
    for table in tables:
        expected.update(table)
    assert settings.politeness.delay == expected["politeness.delay"]
    assert settings.crawl.workers == expected["crawl.workers"]
    assert settings.limits.max_pages == expected["limits.max_pages"]


def test_settings_are_read_only():
    with pytest.raises(AttributeError):
        merge([]).politeness.delay = 0


def test_the_crawler_names_its_version():
    assert merge([]).fetch.user_agent == f"crawler/{version()} (Python web crawler)"
    assert with_value("fetch.user_agent", "mine/{version}") == f"mine/{version()}"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("politeness.delay", "2", 2.0),
        ("politeness.delay", "0.25", 0.25),
        ("crawl.workers", "4", 4),
        ("limits.allow_empty", "true", True),
        ("fetch.verify", "0", False),
        ("fetch.accept_status", "404,410", [404, 410]),
        ("fetch.accept_status", "[404, 410]", [404, 410]),
        ("fetch.accept_status", "", []),
        ("scope.allowed_hosts", "a.example, b.example", ["a.example", "b.example"]),
        ("scope.allowed_hosts", '["a.example"]', ["a.example"]),
        ("fetch.headers", '{"Accept": "text/html"}', {"Accept": "text/html"}),
        ("log.file", "1", "1"),
        ("crawl.pool", "thread", "thread"),
    ],
)
def test_text_from_flags_and_variables_is_converted(key, text, value):
    got = with_value(key, text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("politeness.dealy", "politeness.delay"),
        ("politness.delay", "politeness.delay"),
        ("limits.maxpages", "limits.max_pages"),
        ("delay", "politeness.delay"),
        ("crawl.per_host", "politeness.per_host"),
    ],
)
def test_an_unknown_key_names_its_source_and_the_nearest_one(key, nearest):
    with pytest.raises(SettingsError, match=re.escape(f"there is no setting {key!r} (config/mine.toml)")) as raised:
        merge([Layer("config/mine.toml", {key: 1})])
    assert raised.value.hint == f"did you mean {nearest}?"
    assert raised.value.exit_code == 2


def test_a_key_like_no_other_is_told_all_of_them():
    with pytest.raises(SettingsError) as raised:
        merge([Layer("-s", {"zzz": 1})])
    assert "politeness.delay" in raised.value.hint
    assert "crawl.workers" in raised.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("politeness.delay", "soon"),
        ("crawl.workers", "1.5"),
        ("crawl.pool", "proces"),
        ("limits.allow_empty", "perhaps"),
        ("fetch.accept_status", "ok"),
        ("fetch.accept_status", "[1"),
        ("scope.allowed_hosts", 3),
        ("log.level", "loud"),
        ("guard.only", {"a": 1}),
    ],
)
def test_a_value_that_does_not_fit_names_key_value_and_source(key, value):
    with pytest.raises(SettingsError, match=re.escape(f"{key} = {value!r} does not fit (CRAWL_X)")):
        with_value(key, value, "CRAWL_X")


@pytest.mark.parametrize(
    ("key", "value", "lowest"),
    [
        ("politeness.delay", -1, "0"),
        ("politeness.per_host", 0, "1"),
        ("crawl.concurrency", 0, "1"),
        ("crawl.workers", -1, "0"),
        ("fetch.max_threads", 0, "1"),
        ("limits.max_depth", -2, "-1"),
        ("fetch.timeout", 0, "0"),
        ("crawl.linger", 0.0, "0"),
    ],
)
def test_a_value_that_is_too_small_names_key_and_source(key, value, lowest):
    with pytest.raises(SettingsError, match=rf"^{re.escape(key)} = .*\(--flag\)") as raised:
        with_value(key, value, "--flag")
    assert raised.value.message.endswith((f"at least {lowest}", "has to be more than 0 (--flag)"))


def test_limits_of_zero_mean_no_limit_and_are_allowed():
    assert with_value("limits.max_pages", 0) == 0
    assert with_value("limits.max_depth", -1) == -1


@given(st.dictionaries(st.sampled_from(sorted(typed_keys())), st.integers()))
@hypothesis_settings(max_examples=50, deadline=None)
def test_flat_undoes_nested(values):
    assert flat(nested(values), "x") == Layer("x", values)


def test_nested_and_dotted_keys_may_be_mixed():
    layer = flat(
        {"politeness": {"delay": 2}, "fetch.timeout": 5, "fetch.headers": {"Accept": "*/*"}}, "settings of films"
    )
    assert layer.values == {"politeness.delay": 2, "fetch.timeout": 5, "fetch.headers": {"Accept": "*/*"}}
    assert merge([layer]).fetch.headers == {"Accept": "*/*"}


def test_variables_are_settings():
    environment = {
        "CRAWL_POLITENESS_DELAY": "3",
        "CRAWL_LIMITS_MAX_PAGES": "10",
        "CRAWL_CRAWL_WORKERS": "2",
        "CRAWL_GUARD_ONLY": "127.0.0.0/8",
        "CRAWL_HOME": "/somewhere",
        "POLITENESS_DELAY": "9",
        "PATH": "/bin",
    }
    layers = environment_layers(environment)
    settings = merge(layers)
    assert [layer.source for layer in layers] == list(environment)[:4]
    assert (settings.politeness.delay, settings.limits.max_pages, settings.crawl.workers) == (3.0, 10, 2)
    assert settings.guard.only == ["127.0.0.0/8"]


def test_an_error_in_a_variable_names_the_variable():
    with pytest.raises(SettingsError, match="CRAWL_POLITENESS_DELAY"):
        merge(environment_layers({"CRAWL_POLITENESS_DELAY": "soon"}))
    with pytest.raises(SettingsError, match=r"'politeness.dealy' \(CRAWL_POLITENESS_DEALY\)"):
        merge(environment_layers({"CRAWL_POLITENESS_DEALY": "1"}))


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[politeness]\ndelay = 4\n", encoding="utf-8")
    layer = config_layer(str(path))
    assert layer == Layer(str(path), {"politeness.delay": 4})


def test_a_file_in_the_folder_beats_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("fast").write_text("[politeness]\ndelay = 4\n", encoding="utf-8")
    assert config_layer("fast").values == {"politeness.delay": 4}


def test_a_missing_file_names_the_shipped_ones(tmp_path):
    with pytest.raises(SettingsError, match=r"no\.toml: No such file") as raised:
        config_layer(str(tmp_path / "no.toml"))
    assert raised.value.hint == "shipped ones are: default, fast, polite"


@pytest.mark.parametrize("content", [b"[politeness\n", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"mine\.toml is not valid TOML"):
        file_layer(path)


def test_the_project_file_has_a_table_for_settings(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.other]\na = 1\n'
        '[tool.crawl]\n"fetch.timeout" = 5\n[tool.crawl.politeness]\ndelay = 4\n',
        encoding="utf-8",
    )
    layer = project_layer(tmp_path)
    assert layer.values == {"fetch.timeout": 5, "politeness.delay": 4}
    assert layer.source == f"[tool.crawl] in {tmp_path / 'pyproject.toml'}"


def test_a_project_without_the_table_or_without_a_file_sets_nothing(tmp_path):
    assert project_layer(tmp_path).values == {}
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert project_layer(tmp_path).values == {}


@pytest.mark.parametrize("content", ["[tool]\ncrawl = 5\n", "[[tool.crawl]]\ndelay = 1\n"])
def test_a_project_file_whose_table_is_none_is_named(tmp_path, content):
    (tmp_path / "pyproject.toml").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"tool\.crawl in .*pyproject\.toml is not a table"):
        project_layer(tmp_path)


def test_cores_are_counted():
    assert cores() >= 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("crawl.workers", 1_000_000), ("fetch.max_threads", 100_000), ("crawl.parse_timeout", 10_000_000.0)],
)
def test_what_no_machine_could_bear_is_refused(key, value):
    with pytest.raises(SettingsError, match=f"{key} = {value} is too much"):
        merge([Layer("-s", {key: value})])


@pytest.mark.parametrize("value", [math.inf, math.nan, "inf", "nan", "-inf"])
@pytest.mark.parametrize("key", ["politeness.delay", "limits.max_time", "fetch.timeout", "retry.pause"])
def test_a_number_that_is_none_is_refused(key, value):
    with pytest.raises(SettingsError, match=rf"{key} = -?(inf|nan) is no number that can be meant \(--flag\)"):
        with_value(key, value, "--flag")


def test_a_value_that_is_no_choice_is_told_the_choices():
    with pytest.raises(
        SettingsError, match=r"crawl.pool = 'fibre' does not fit \(x\): it is one of process, thread, in"
    ):
        with_value("crawl.pool", "fibre", "x")


def test_a_content_type_that_is_none_is_refused():
    with pytest.raises(SettingsError, match=r"download.types: 'pdf' is no content type \(-s\)") as told:
        with_value("download.types", "image/*, pdf", "-s")
    assert "application/pdf" in told.value.hint


@pytest.mark.parametrize("key", ["scope.include", "scope.exclude"])
def test_a_pattern_that_is_none_is_refused_with_its_place(key):
    with pytest.raises(SettingsError, match=rf"{key}: '\[a-' is no regular expression \(bad.toml\): unterminated"):
        with_value(key, ["/fine", "[a-"], "bad.toml")
    with pytest.raises(SettingsError, match="is no regular expression"):
        with_value(key, "*.html", "-s")


def test_an_empty_list_of_hosts_forgets_those_of_weaker_layers():
    weak = Layer("weak", {"host": [{"match": "a.example"}]})
    strong = Layer("strong", {"host": [{"match": "b.example"}]})
    assert [table.match for table in merge([weak, strong]).host] == ["b.example", "a.example"]
    assert merge([weak, Layer("none", {"host": []})]).host == []
