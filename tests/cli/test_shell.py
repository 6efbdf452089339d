"""`crawl shell`: code from `-c` and from a pipe, and the prompt on a terminal."""

import os
import pty
import select
import subprocess
import sys

import pytest

PAGE = '<title>First</title><a href="/2">2</a><a href="http://127.0.0.9:1/">inside</a>'


@pytest.fixture
def pages(serve):
    return serve({"/1": PAGE, "/2": "<title>Second</title>", "*": (404, {}, "<title>None</title>")})


FAST = ("-s", "politeness.delay=0")
TITLE = 'page.css("title::text").get()'


def test_what_expressions_give_is_printed(crawl_here, pages):
    code = f"{TITLE}; n = 2; n + 1\nfor x in [1]: x\nfollow('/2'); {TITLE}\nfetch('{pages.url}/3').status"
    done = crawl_here("shell", f"{pages.url}/1", "-c", code, *FAST)
    assert done.stdout == f"First\n3\n<Page 200 {pages.url}/2>\nSecond\n404\n"
    assert done.stderr == "crawl: a crawl would not read this page: status: 404 Not Found\n"
    assert done.rc == 0


def test_an_exception_is_shown_from_the_code_on(crawl_here, pages):
    done = crawl_here("shell", f"{pages.url}/1", "-c", "page.status\npage.nothing")
    assert (done.rc, done.stdout) == (1, "200\n")
    assert done.stderr.startswith('Traceback (most recent call last):\n  File "<command>", line 2, in <module>\n')
    assert "crawler/cli" not in done.stderr
    assert crawl_here("shell", "-c", "1 +").stderr.endswith("SyntaxError: invalid syntax\n")


@pytest.mark.parametrize(
    ("code", "rc", "told"),
    [
        ("follow('/2')", 2, "there is no page to follow a link from"),
        ("view()", 2, "there is no page to view"),
        ("fetch('nope')", 2, "did you mean https://nope/?"),
        ("fetch('http://127.0.0.1:1/')", 1, "connect: Connection refused"),
        ("raise SystemExit(7)", 7, ""),
    ],
)
def test_what_goes_wrong_is_told_in_a_line(crawl_here, code, rc, told):
    done = crawl_here("shell", "-c", code)
    assert done.rc == rc
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_link_does_not_lead_into_the_network_around(crawl_here, pages, monkeypatch):
    monkeypatch.delenv("CRAWL_GUARD_ALLOW")
    done = crawl_here("shell", f"{pages.url}/1", "-c", "follow(page.css('a')[1])")
    assert done.rc == 1
    assert "127.0.0.9 is a private address" in done.stderr
    assert "Connection refused" in crawl_here("shell", "-c", "fetch('http://127.0.0.9:1/')").stderr  # typed by a person


def test_a_file_knows_where_it_comes_from_if_it_is_told(crawl_here, write):
    write("x.html", PAGE)
    assert crawl_here("shell", "x.html", "-c", "page.links()").stdout == "['http://127.0.0.9:1/']\n"
    done = crawl_here("shell", "x.html", "--url", "https://a.example/b", "-c", "page.links()[0]")
    assert done.stdout == "https://a.example/2\n"


def test_code_may_come_from_a_pipe(tmp_path, pages):
    command = [sys.executable, "-m", "crawler", "shell", f"{pages.url}/1"]
    code = f"{TITLE}\nprint(page.status)\nnothing\n"
    done = subprocess.run(command, input=code, capture_output=True, text=True, cwd=tmp_path, timeout=30)
    assert (done.returncode, done.stdout) == (1, "First\n200\n")
    assert done.stderr.endswith(
        "File \"<stdin>\", line 3, in <module>\n    nothing\nNameError: name 'nothing' is not defined\n"
    )


def test_on_a_terminal_there_is_a_prompt_with_a_history(tmp_path, pages):
    """Python's own, whether or not IPython is there; a Ctrl-C, or an error of ours, does not end it."""
    code = "import sys; sys.modules['IPython'] = None; from crawler.__main__ import main; main()"
    primary, secondary = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "dumb", "PYTHON_BASIC_REPL": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "shell", f"{pages.url}/1"],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        preexec_fn=_own_terminal,
    )
    os.close(secondary)
    seen = ""

    def until(text):
        nonlocal seen
        while text not in seen:
            assert select.select([primary], [], [], 10)[0], seen
            seen += os.read(primary, 4096).decode()
        shown, _, seen = seen.partition(text)
        return shown

    try:
        assert f"page: 200 {pages.url}/1" in until(">>> ")
        os.write(primary, f"{TITLE}\n".encode())
        assert "'First'" in until(">>> ")
        os.write(primary, b"fol\t'http://127.0.0.1:1/')\n")
        assert "crawl: http://127.0.0.1:1/: connect: Connection refused" in until(">>> ")
        for _ in range(2):
            os.write(primary, b"\x03")
            while not select.select([primary], [], [], 1)[0]:
                os.write(primary, b"\x03")  # Python hears none between its prompt and its wait for a key
            until("KeyboardInterrupt")
            until(">>> ")
        os.write(primary, b"\x04")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(primary)
    assert TITLE in (tmp_path / "state" / "crawl" / "shell_history").read_text()


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_settings_are_shown_without_what_is_secret(crawl_here):
    code = (
        "settings\nsettings.fetch\nsettings.fetch.proxy\nsettings.fetch.headers\nsettings.fetch.timeout\ndir(settings)"
    )
    done = crawl_here(
        *("shell", "-c", code, "-s", "fetch.proxy=http://u:hidden@127.9.1.1:9"),
        *("-s", 'fetch.headers={"X-Token": "hidden", "X-Plain": "seen"}', "-s", "fetch.timeout=7"),
    )
    assert (done.rc, "hidden" in done.stdout + done.stderr) == (0, False), done
    assert done.stdout.count("fetch.proxy = 'http://***@127.9.1.1:9'") == 2
    assert done.stdout.count("{'X-Token': '***', 'X-Plain': 'seen'}") == 3
    assert "\n7.0\n" in done.stdout
