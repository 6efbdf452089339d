"""`crawl list`: for people, for programs, and with a broken file."""

import json


def test_people_see_what_can_be_typed(crawl_here, write):
    write(
        "spiders/films.py", '"""All films."""\nprint("hello")\nstart_urls = []\npages: int = 3\ndef parse(page): ...\n'
    )
    done = crawl_here("list")
    assert (done.rc, done.stderr) == (0, "hello\n")
    assert done.stdout.startswith("spiders\n  spiders/films.py  All films.\n      -a pages: int = 3\nexporters  .csv ")
    assert "\npools      process thread inline\nfetchers   requests curl inline\n" in done.stdout


def test_programs_get_one_json_object(crawl_here, write, monkeypatch):
    installed = ("sqlalchemy", "psycopg")
    monkeypatch.setattr("crawler.export.outputs.find_spec", lambda name: name in installed or None)
    write(
        "spiders/films.py", "start_urls = []\npages: int\nsize: float = 2.5\nat: object = len\ndef parse(page): ...\n"
    )
    write("more/broken.py", "raise ValueError('\\x1b[31m')\n")
    done = crawl_here("list", "spiders/films.py", "more", "--json")
    known = json.loads(done.stdout)
    assert done.rc == 1
    assert known["spiders"] == [
        {
            "target": "spiders/films.py",
            "name": "films",
            "about": "",
            "arguments": [
                {"name": "pages", "type": "int", "required": True},
                {"name": "size", "type": "float", "required": False, "default": 2.5},
                {"name": "at", "type": "object", "required": False, "default": repr(len)},
            ],
            "error": None,
        },
        {
            "target": "more/broken.py",
            "name": "broken",
            "about": "",
            "arguments": [],
            "error": "more/broken.py:1: ValueError: \x1b[31m",
        },
    ]
    assert known["pools"] == ["process", "thread", "inline"]
    assert {".csv", ".json", ".jsonl"} <= set(known["exporters"])
    assert known["urls"] == ["file://", "sqlite://", "postgresql://"]


def test_a_broken_file_does_not_end_the_list(crawl_here, write):
    write("spiders/a.py", "raise ValueError('\\x1b[31m')\n")
    write("spiders/b.py", "start_urls = []\ndef parse(page): ...\n")
    done = crawl_here("list")
    assert done.rc == 1
    assert done.stdout.startswith(
        "spiders\n  spiders/a.py\n      ✗ spiders/a.py:1: ValueError: \\x1b[31m\n  spiders/b.py\n"
    )


def test_no_spiders_are_no_error(crawl_here):
    done = crawl_here("list")
    assert (done.rc, done.stdout.splitlines()[1]) == (0, "  none in spiders/; crawl new writes one")
    assert crawl_here("list", "nowhere").rc == 2
