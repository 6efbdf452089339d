"""A page as a file for a browser."""

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.spider.page import Page
from crawler.viewing import with_base, write

URL = "https://a.example/b/c"
BASE = f'<base href="{URL}">'


def page(body, kind="text/html; charset=utf-8", url=URL):
    return Page(Response(url, 200, (("Content-Type", kind),), body.encode()), Request(url))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "<p>x"),
        ("<head>", "<title>x</title>"),
        ("<!DOCTYPE html>\n<html lang=de><!-- <head> --><head class='a'>", "<title>"),
        ("<?xml version='1.0'?><!doctype html><html>", "<body><p>x"),
        ("<!doctype html> <!--a--> ", "<header><head>"),
        ("", "<!-- never closed <head>"),
        ("", "<html lang='a"),
    ],
)
def test_the_base_stands_first_in_the_head(before, after):
    assert with_base(page(before + after)).decode("utf-8-sig") == f"{before}{BASE}{after}"


def test_a_base_of_the_page_counts_from_where_it_is():
    assert (
        with_base(page('<head><base href="/d/"><p>'))
        .decode("utf-8-sig")
        .startswith('<head><base href="https://a.example/d/"><base href="/d/">')
    )


def test_a_url_cannot_leave_its_attribute():
    text = with_base(page("x", url='https://a.example/"><script>&')).decode("utf-8-sig")
    assert text == '<base href="https://a.example/&quot;&gt;&lt;script&gt;&amp;">x'


def test_a_long_page_takes_a_moment():
    assert BASE in with_base(page("<!--" * 200_000 + "<!doctype" * 100_000 + "<html " * 100_000)).decode()


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("application/json", ".json"), ("image/png", ".png"), ("text/x-unheard-of", ".txt"), ("", ".html")],
)
def test_what_is_no_html_stays_as_it_is(kind, suffix, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = write(page("{}", kind))
    assert path.suffix == suffix
    assert (path.read_bytes() == b"{}") == (suffix != ".html")
