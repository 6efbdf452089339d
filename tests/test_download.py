"""`Download`: the request it makes, and what it refuses."""

import re

import msgspec
import pytest

from crawler import Download, Request
from crawler.errors import UsageError
from crawler.saved import Save

URL = "https://films.example/a.pdf"


def test_it_is_a_request_that_is_saved():
    made = Download(URL, folder="press", types=["Image/*"], max_size=5, sha256="AB" * 32, data={"a": 1}, priority=3)
    save = Save("press", "", ("image/*",), 5, "ab" * 32)
    assert made == Request(URL, "parse_download", data={"a": 1}, priority=3, save=save)
    assert msgspec.json.decode(msgspec.json.encode(made.save), type=Save) == save


def test_what_is_sent_to_one_url_with_two_bodies_gives_two_files():
    keys = {Download(URL, method="POST", body=body).save.key for body in ("a", "b")}
    assert len(keys) == 2
    assert "" not in keys


def test_another_place_or_other_data_make_it_another_request():
    made = [
        Request(URL),
        Download(URL),
        Download(URL, folder="a"),
        Download(URL, name="a"),
        Download(URL, data={"film": 1}),
        Download(URL, data={"film": 2}),
        Download(URL, jar="me"),
    ]
    assert len({request.fingerprint for request in made}) == len(made)
    assert (
        Download(URL, types=["image/*"], data={"film": (1,)}).fingerprint
        == Download(URL, data={"film": [1]}).fingerprint
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sha256": "abc"}, "is no SHA-256"),
        ({"types": "image/png"}, r"write types=\['image/png'\]"),
        ({"types": ["png"]}, "'png' is no content type"),
        ({"max_size": 0}, "max_size=0 .* is no number of bytes"),
        ({"max_size": True}, "max_size=True"),
        ({"callback": lambda page: None}, "a lambda cannot be a callback"),
    ],
)
def test_what_no_file_can_be_is_refused(fields, said):
    with pytest.raises(UsageError) as told:
        Download(URL, **fields)
    assert re.search(said, f"{told.value.message} {told.value.hint}")
