"""`crawl config`: values, where they come from, and no secrets."""

import json

import pytest


@pytest.fixture
def layers(write):
    write("pyproject.toml", "[tool.crawl.politeness]\ndelay = 1\nper_host = 2\njitter = 0.1\n")
    write("own.toml", '[politeness]\nper_host = 3\n[[host]]\nmatch = "a.example"\nauth = "me:geheim"\n')
    write("films.py", 'start_urls = []\nrequired: int\nsettings = {"politeness.jitter": 0.2}\ndef parse(page): ...\n')


def test_each_value_is_that_of_the_strongest_layer_and_tells_it(crawl_here, layers, tmp_path):
    environment = {"CRAWL_POLITENESS_MAX_DELAY": "9"}
    options = ["--spider", "films.py", "--config", "own.toml", "-s", "politeness.host_key=address"]
    done = crawl_here("config", "politeness", *options, env=environment)
    assert done.rc == 0
    values = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in done.stdout.splitlines()}
    assert {key.removeprefix("politeness."): " ".join(text.split()) for key, text in values.items()} == {
        "per_host": "3 # own.toml",
        "delay": f"1.0 # [tool.crawl] in {tmp_path}/pyproject.toml",
        "jitter": "0.2 # settings of films",
        "adaptive": "false # CRAWL_POLITENESS_ADAPTIVE",
        "max_delay": "9.0 # CRAWL_POLITENESS_MAX_DELAY",
        "max_retry_after": "600.0",
        "host_key": '"address" # -s politeness.host_key',
    }


def test_one_key_is_printed_alone(crawl_here, layers):
    done = crawl_here("config", "politeness.host_key")
    assert (done.rc, done.stdout, done.stderr) == (0, "name\n", "crawl: from the defaults\n")
    assert crawl_here("config", "guard.only").stdout == '["127.0.0.0/8"]\n'


def test_programs_get_value_and_source(crawl_here, layers, tmp_path):
    known = json.loads(crawl_here("config", "--json").stdout)
    assert known["politeness.delay"] == {"value": 1.0, "from": f"[tool.crawl] in {tmp_path}/pyproject.toml"}
    assert known["fetch.timeout"] == {"value": 60.0, "from": "the defaults"}
    assert len(known) > 80


def test_secrets_are_masked(crawl_here, layers):
    secrets = ["fetch.proxy=http://me:geheim@127.0.0.1:1", 'fetch.headers={"X-Api-Key": "geheim", "A": "b"}']
    options = [part for text in secrets for part in ("-s", text)]
    for extra in ((), ("--json",)):
        done = crawl_here("config", *options, "--config", "own.toml", *extra)
        assert done.rc == 0
        assert "geheim" not in done.stdout + done.stderr
    assert '"X-Api-Key":"***"' in done.stdout.replace(" ", "")
    assert crawl_here("config", "fetch.proxy", *options).stdout == "http://***@127.0.0.1:1\n"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("politeness.dely", "did you mean politeness.delay?"),
        ("delay", "did you mean politeness.delay?"),
        ("politenes", "did you mean politeness?"),
        ("xyzzy", "sections are: breaker, cache, crawl"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest(crawl_here, key, hint):
    done = crawl_here("config", key)
    assert (done.rc, done.stdout) == (2, "")
    assert f"crawl: there is no setting {key!r}\n  {hint}" in done.stderr
