"""Public suffixes are known without asking anybody."""

import subprocess
import sys

import pytest

from crawler.rules.public_suffixes import is_public_suffix


@pytest.mark.parametrize(
    "name", ["com", "co.uk", "github.io", "kawasaki.jp", "xn--fiqs8s", "localhost", "nobody-knows-it"]
)
def test_suffixes(name):
    assert is_public_suffix(name)


@pytest.mark.parametrize("name", ["example.com", "example.co.uk", "me.github.io", "city.kawasaki.jp", "x.xn--fiqs8s"])
def test_names_below_them(name):
    assert not is_public_suffix(name)


def test_the_list_is_read_when_it_is_needed_and_not_before():
    code = (
        "import sys, crawler.assemble.run\n"
        "from crawler.rules.cookie_jar import Jar\n"
        "jar = Jar(lambda *_: None)\n"
        "jar.store('https://a.example/', 'a=1; Path=/; Secure', 0.0)\n"
        "jar.store('https://a.example/', 'a=1; Domain=b.example', 0.0)\n"
        "assert 'publicsuffixlist' not in sys.modules\n"
        "jar.store('https://a.example/', 'a=1; Domain=a.example', 0.0)\n"
        "assert 'publicsuffixlist' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
