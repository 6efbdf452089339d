"""Where a setting can be given, and which place wins: from `config/default.toml` up to the flag."""

import os

import pytest

from crawler.cli.run import _start_server
from crawler.settings import Layer

LAYERS = ["project", "spider", "config", "environment", "flag"]


@pytest.fixture
def agent_with(crawl_here, write, serve):
    """`agent_with(layers)`: the User-Agent that a site sees if each of the layers sets it to its own name."""

    def run(layers):
        server = serve({"*": "x"})
        own = 'settings = {"fetch.user_agent": "spider"}' if "spider" in layers else ""
        write("x.py", f"start_urls = ['{server.url}']\n{own}\n\ndef parse(page):\n    yield {{'a': 1}}\n")
        write("pyproject.toml", '[tool.crawl.fetch]\nuser_agent = "project"\n' if "project" in layers else "")
        write("mine.toml", '[fetch]\nuser_agent = "config"\n')
        arguments = ["run", "x.py", "--pool", "inline"]
        if "config" in layers:
            arguments += ["--config", "mine.toml"]
        if "flag" in layers:
            arguments += ["-s", "fetch.user_agent=flag"]
        done = crawl_here(*arguments, env={"CRAWL_FETCH_USER_AGENT": "environment"} if "environment" in layers else {})
        assert done.rc == 0, done
        return server.log[0].headers["User-Agent"]

    return run


@pytest.mark.parametrize("number", range(1, 6))
def test_each_place_wins_over_all_below_it(agent_with, number):
    assert agent_with(LAYERS[:number]) == LAYERS[number - 1]


@pytest.mark.parametrize("layer", LAYERS)
def test_each_place_wins_over_the_default(agent_with, layer):
    assert agent_with([layer]) == layer


def test_the_default_names_the_version(agent_with):
    from crawler.settings import version

    assert agent_with([]) == f"crawler/{version()} (Python web crawler)"


def test_a_flag_of_its_own_beats_s(crawl_here, films, site):
    done = crawl_here("run", films, "-a", "pages=5", "-s", "limits.max_pages=4", "--max-pages", "2", "--pool", "inline")
    assert done.rc == 0
    assert len(site.log) == 2


@pytest.mark.parametrize("name", ["fast", "polite"])
def test_shipped_settings_files_are_found_by_name(crawl_here, films, name):
    assert crawl_here("run", films, "--config", name, "--pool", "inline").rc == 0


FAULTS = {
    "pyproject.toml": ("[tool.crawl]\npoliteness = { dely = 1 }\n", "politeness.dely", "[tool.crawl] in "),
    "mine.toml": ("[politeness]\ndely = 1\n", "politeness.dely", "(mine.toml)"),
}


@pytest.mark.parametrize("file", FAULTS)
def test_a_fault_names_the_place_it_came_from(crawl_here, films, write, file):
    text, key, place = FAULTS[file]
    write(file, text)
    done = crawl_here("run", films, *(["--config", file] if file == "mine.toml" else []))
    assert done.rc == 2
    assert key in done.stderr
    assert place in done.stderr
    assert "did you mean politeness.delay?" in done.stderr


def test_a_fault_in_the_environment_names_the_variable(crawl_here, films):
    done = crawl_here("run", films, env={"CRAWL_POLITENESS_DELAY": "soon"})
    assert done.rc == 2
    assert "(CRAWL_POLITENESS_DELAY)" in done.stderr


def test_a_fault_in_the_spiders_settings_names_the_spider(crawl_here, write):
    write("x.py", "start_urls = ['http://127.0.0.1:9/']\nsettings = {'limit.max_pages': 1}\ndef parse(page): pass\n")
    done = crawl_here("run", "x.py")
    assert done.rc == 2
    assert done.stderr.startswith("crawl: there is no setting 'limit.max_pages' (settings of x)\n")


def test_broken_toml_is_told(crawl_here, films, write):
    write("mine.toml", "[politeness\n")
    done = crawl_here("run", films, "--config", "mine.toml")
    assert done.rc == 2
    assert done.stderr.startswith("crawl: mine.toml is not valid TOML:")


def test_the_real_command_reads_the_environment_too(crawl_command, films, site):
    variables = {"CRAWL_LIMITS_MAX_PAGES": "2", "CRAWL_CRAWL_POOL": "inline"}
    done = crawl_command("run", films, "-a", "pages=5", env=variables)
    assert done.rc == 0, done
    assert len(site.log) == 2


@pytest.mark.parametrize(
    ("project", "config", "environment", "flags", "started"),
    [
        ("", "", {}, {}, ("auto", "requests", False)),
        ("", "", {}, {"fetch.client": "curl", "crawl.parse_in": "pool"}, ("auto", "curl", True)),
        ("", "", {"CRAWL_FETCH_CLIENT": "curl", "CRAWL_CRAWL_PARSE_IN": "pool"}, {}, ("auto", "curl", True)),
        ("", '[crawl]\nparse_in = "pool"', {}, {}, ("auto", "requests", True)),
        ('[tool.crawl.fetch]\nclient = "curl"', "", {}, {}, ("auto", "curl", False)),
        ('[tool.crawl.fetch]\nclient = "curl"', "", {}, {"fetch.client": "requests"}, ("auto", "requests", False)),
        ("", "", {"CRAWL_CRAWL_POOL": "thread"}, {}, None),
        ("", "", {}, {"crawl.start_method": "spawn"}, None),
        ("", "", {}, {"run.replay": "x.warc.gz"}, None),
    ],
)
def test_the_fork_server_starts_early_with_what_the_settings_want(
    monkeypatch, tmp_path, project, config, environment, flags, started
):
    calls = []
    monkeypatch.setattr("crawler.pool.context.context_for", lambda *arguments: calls.append(arguments))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CRAWL_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "mine.toml").write_text(config)
    _start_server("mine.toml" if config else None, [Layer("flags", flags)])
    assert calls == ([started] if started else [])
