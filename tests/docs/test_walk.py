"""A page that lies is found out: each of these pages says one thing, and something else happens."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.blocks import blocks_of
from tests.docs.walk import Differs, walk


@pytest.fixture
def read(tmp_path):
    def walk_page(text, site="127.0.0.1:1"):
        walk(blocks_of(dedent(text), Path("page.md")), tmp_path, site)
        return tmp_path

    return walk_page


def test_a_page_that_is_true(read):
    folder = read("""\
        Save this as `say.py`:
        ```python
        print("one")
        ```
        And at the end of `say.py`:
        ```python add
        print("two")
        ```
        ```console
        $ python say.py
        one
        two
        $ WORD=three
        $ echo $WORD | tee \\
          said.txt
        three
        $ false
        $ echo $?
        1
        ```
        ```bash
        test -f say.py
        ```
        ```python
        print("four")
        ```
        ```text
        four
        ```
        ```pycon
        >>> 1 + 1
        2
        ```
        ```toml
        [politeness]
        delay = 2
        ```
        ```crontab
        MAILTO=me@example.org
        15 3 * * 1-5  cd $HOME && test -f said.txt && date +\\%F
        ```
        """)
    assert (folder / "said.txt").read_text() == "three\n"


LIES = {
    "other output": "```console\n$ echo one\ntwo\n```\n",
    "more output": "```console\n$ printf '1\\n2\\n'\n1\n```\n",
    "no output": "```console\n$ true\none\n```\n",
    "a command that fails": "```console\n$ false\n```\n",
    "a command that fails, and the next one is asked": "```console\n$ false\n$ true\n$ echo $?\n0\n```\n",
    "no command": "```console\ncrawl run films.py\n```\n",
    "a script that raises": "```python\nraise ValueError\n```\n",
    "a script that fails before its end": "```bash\nfalse\ntrue\n```\n",
    "a script that prints something else": "```python\nprint(1)\n```\n```text\n2\n```\n",
    "text of nobody": "```text\nsome text\n```\n",
    "an example that gives something else": "```pycon\n>>> 1 + 1\n3\n```\n",
    "a setting that does not exist": "```toml\n[politeness]\ndealy = 2\n```\n",
    "a setting of the wrong kind": '```toml\n[politeness]\ndelay = "long"\n```\n',
    "what is no TOML": "```toml\n[politeness\n```\n",
    "a crontab with four fields": "```crontab\n15 3 * *  true\n```\n",
    "a crontab whose command fails": "```crontab\n15 3 * * *  false\n```\n",
    "JSON without a file": "```json\n{}\n```\n",
    "a server that does not start": "```console background\n$ echo bye\nhello\n```\n",
    "a server that says less": "```console background\n$ echo hello\nhello\nand more\n```\n",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_is_not_true(lie, read):
    with pytest.raises(Differs, match=r"page\.md:\d"):
        read(LIES[lie])


def test_what_is_not_to_be_run_is_not_run(read):
    read('```console not-run="it would take a week"\n$ false\n```\n')


def test_the_built_in_site_is_where_it_really_is(read):
    folder = read(
        "This is `site.txt`:\n```text\nhttp://127.0.0.1:8000/board\n```\n"
        "```console\n$ cat site.txt\nhttp://127.0.0.1:8000/board\n$ echo --port 8000\n--port 4321\n```\n",
        "127.0.0.1:4321",
    )
    assert (folder / "site.txt").read_text() == "http://127.0.0.1:4321/board\n"
