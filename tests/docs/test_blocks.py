"""What a block of a page is, by its fence and by the line before it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.blocks import BadBlock, blocks_of

PAGE = Path("page.md")


def blocks(text):
    return blocks_of(dedent(text), PAGE)


def test_a_block_has_its_language_its_text_and_its_place():
    (block,) = blocks("""\
        # Title

        ```console
        $ crawl --help
        ```
        """)
    assert (block.language, block.text, block.place) == ("console", "$ crawl --help\n", "page.md:3")


def test_the_line_before_it_names_its_file():
    first, second = blocks("""\
        Save this as `spiders/films.py`:

        ```python
        a = 1
        ```

        It is `films.py` again, but this is no name:
        it does not stand at the end.

        ```python
        a = 2
        ```
        """)
    assert (first.file, second.file) == ("spiders/films.py", "")


def test_only_the_block_after_the_line_is_that_file():
    _, second = blocks("This is `a.py`:\n```python\n```\n```python\n```\n")
    assert second.file == ""


def test_a_block_in_a_list_is_read_without_its_indentation():
    (block,) = blocks("- as here:\n\n  ```python\n  if True:\n      pass\n  ```\n")
    assert block.text == "if True:\n    pass\n"


def test_what_is_not_run_says_why():
    (block,) = blocks('```console not-run="asks a site on the internet"\n$ crawl\n```\n')
    assert block.not_run == "asks a site on the internet"


@pytest.mark.parametrize(
    "fence",
    ["```", "```pyhton", "```python quietly", '```python not-run=""', "```python not-run", '```python not-run="no"'],
)
def test_a_fence_that_nobody_understands_is_refused(fence):
    with pytest.raises(BadBlock, match=r"page\.md:1"):
        blocks(f"{fence}\n```\n")


def test_a_block_without_an_end_is_refused():
    with pytest.raises(BadBlock, match="no end"):
        blocks("```python\na = 1\n")


def test_the_contents_of_the_documentation_are_no_code():
    assert blocks("```{toctree}\ntutorial\n```\n") == []
