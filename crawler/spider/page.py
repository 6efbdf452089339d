"""A `Page`: one response opened for reading. Everything is worked out when it is first asked for, and once.

A spider that only uses a regular expression never pays for a parser; lxml and parsel are imported on first use.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.once import once
from crawler.request import Callback, Request, with_content_type
from crawler.response import Headers, Response
from crawler.saved import Save, SavedFile
from crawler.spider.encoding import decode, parse_content_type
from crawler.spider.page_options import PageOptions
from crawler.url import canonical as canonical_form
from crawler.url import join

if TYPE_CHECKING:
    from lxml import etree
    from parsel import Selector, SelectorList

Pattern = str | re.Pattern[str]
Match = re.Match[str]
_WEB_SCHEMES = ("http://", "https://")
_REFRESH = ("http-equiv", "refresh")
_DEFAULT = PageOptions()
_MOST_CHARACTERS = 16_000_000  # of the bases of all links of a page together


class Page:
    """A response as a callback gets it.

    ```python
    def parse(self, page):
        for film in page.css("dd"):
            yield {"title": film.css("p.name a::text").get()}
        for url in page.links(pattern=r"/board/\\?offset="):
            yield page.follow(url)
    ```

    - `url`: the URL of the page, after redirects · `status` · `headers` · `body`: bytes, as in `Response`.
    - `request`: the request it answers · `data`: that request's `data`.
    - `truncated`: whether the body was cut at the size limit.
    - `file`: of a `Download`, what was saved (`url`, `path`, `size`, `sha256`, `content_type`); else None.
    """

    def __init__(self, response: Response, request: Request, options: PageOptions = _DEFAULT) -> None:
        self.url = response.url
        self.status = response.status
        self.body = response.body
        self.truncated = response.truncated
        self.file = response.file
        self.request = request
        self.data = request.data
        self._response = response
        self._options = options
        self._told: set[str] = set()
        self._is_too_deep = False  # known when there is a tree

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.url}>"

    @once
    def headers(self) -> Headers:
        """The header fields; names in any case."""
        return self._response.headers

    @once
    def text(self) -> str:
        """The body as text, decoded as browsers do (`crawler.spider.encoding`). Never raises."""
        return self._decoded[0]

    @once
    def encoding(self) -> str:
        """The name of the codec `text` was decoded with, such as "utf-8" or "gb18030"."""
        return self._decoded[1]

    @once
    def tree(self) -> etree._Element:
        """The document element as lxml has it (`lxml.html` elements for HTML), shared by `css`, `xpath` and `links`.

        What stands more than 2,047 elements deep (255 in XML), and all after it, is missing, as are tags beyond
        `limits.max_tags`; a warning in the log says so. `links()` are found behind what is too deep all the same.
        """
        from crawler.spider.tree import missing, parse_html, parse_xml

        most = self._options.max_tags
        tree = parse_xml(self.text, most) if self._is_xml else parse_html(self.text, most)
        self._is_too_deep, what = missing(tree, self.text, most)
        if what:
            self._tell(what)
        return tree

    @once
    def selector(self) -> Selector:
        """The document as a parsel `Selector`."""
        from parsel import Selector

        return Selector(root=self.tree, type="xml" if self._is_xml else "html")

    def css(self, query: str) -> SelectorList[Selector]:
        """The matches of a CSS selector, with `::text` and `::attr(name)`; `.get()` and `.getall()` give strings."""
        return self.selector.css(query)

    def xpath(self, query: str, namespaces: dict[str, str] | None = None, **variables: Any) -> SelectorList[Selector]:
        """The matches of an XPath 1.0 expression; `variables` are its `$name`s. XML namespaces need their prefixes."""
        return self.selector.xpath(query, namespaces=namespaces, **variables)

    def re(self, pattern: Pattern, flags: int = 0) -> list[Any]:
        """What `re.findall` finds in `text`: strings, or tuples where the pattern has several groups.

        One pattern for a whole list of entries, with a `.*?` per field under `re.S`, is a trap: an entry in which
        the last field is missing makes `re` try all ways to reach the next ones. Missing from 6 entries costs a
        second, from 8 more than 15, and nothing else runs meanwhile. Split the text into entries first, then match each
        with a pattern whose fields cannot run over (`[^<]*`):

        ```python
        for entry in page.re(r"<dd>.*?</dd>", re.S):
            title = re.search(r'title="([^"]*)"', entry)
        ```
        """
        return re.findall(pattern, self.text, flags)

    def finditer(self, pattern: Pattern, flags: int = 0) -> Iterator[Match]:
        """The matches in `text` as match objects, for named groups and positions. Mind the warning at `re`."""
        return re.finditer(pattern, self.text, flags)

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` that names the URL if it is none."""
        try:
            try:
                return msgspec.json.decode(self.body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                # Against RFC 8259, but seen: a byte order mark, or another encoding than UTF-8.
                return msgspec.json.decode(self.text.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"{self.url} is not JSON: {error}. It begins with {self.text[:60]!r}") from None

    def links(
        self,
        *,
        pattern: Pattern | None = None,
        css: str | None = None,
        xpath: str | None = None,
        nofollow: bool | None = None,
        extensions: Collection[str] | None = None,
    ) -> list[str]:
        """Where the page leads to: canonical http and https URLs without fragment, each once, in document order.

        First where a `<meta http-equiv=refresh>` and `<link rel=next>`, `prev` or `previous` lead, then those of `a`,
        `area`, `iframe`, `frame`, and last of `form`s that are sent with GET and have nothing to fill in.
        `javascript:`, `mailto:` and the like, places on the page itself (`#top`) and what is no URL are left out. Of
        one page at most `limits.max_links` are given; a warning in the log says so.

        - `pattern`: only URLs in which this regular expression is found (`re.search`).
        - `css` or `xpath`: only links in the matching elements, or the matching attributes themselves; also those of
          `link` elements, if these are what matches.
        - `nofollow`: leave out links marked `rel=nofollow`, and all links of a page that `is_nofollow`; False includes
          them. Without it the setting `scope.nofollow` counts.
        - `extensions`: leave out URLs whose path ends so: `("pdf", "jpg")`; `()` leaves out none. Without it the
          setting `scope.skip_extensions` counts.
        """
        from crawler.spider.links import hrefs_in, outermost, refresh_target, unfollowed_in

        if css is not None and xpath is not None:
            raise TypeError("links() takes css= or xpath=, not both")
        obeys = self._options.nofollow if nofollow is None else nofollow
        if obeys and self.is_nofollow:
            return []
        hrefs: list[str] = []
        if css is None and xpath is None:
            refreshes = [content for attribute, name, content in self._metas if (attribute, name) == _REFRESH]
            hrefs += [target for content in refreshes if (target := refresh_target(content))]
            hrefs += [self._named_links[rel] for rel in ("next", "prev", "previous") if rel in self._named_links]
            hrefs += hrefs_in(self._link_tree, obeys)
        else:
            matches = self.css(css) if css is not None else self.xpath(str(xpath))
            # An attribute does not know on which element it stands.
            is_marked = obeys and b"nofollow" in self.body.lower() and any(isinstance(one.root, str) for one in matches)
            unfollowed = unfollowed_in(self.tree) if is_marked else ()
            for root in outermost(match.root for match in matches):
                if not isinstance(root, str):
                    hrefs += hrefs_in(root, obeys)
                elif root not in unfollowed:
                    hrefs.append(root)
        skipped = self._options.skip_extensions if extensions is None else _extensions(extensions)
        return self._absolute(hrefs, pattern, skipped)

    def images(self) -> list[str]:
        """The images of the page, as URLs like those of `links()`: every size that a `srcset` names is one.

        Those of `img`, `picture` and `input type=image`, whatever their file names.
        """
        from crawler.spider.links import images_in

        return self._absolute(images_in(self.tree))

    @once
    def canonical(self) -> str | None:
        """The URL under which the page wants to be known (`<link rel=canonical>`), None if it names none."""
        return self._named("canonical")

    @once
    def next_url(self) -> str | None:
        """The next page of a series: the first `<link rel=next>`, or `<a rel=next>`; None if there is none."""
        return self._named("next")

    @once
    def prev_url(self) -> str | None:
        """The page before this one in a series (`rel=prev`, or `previous`), None if there is none."""
        return self._named("prev") or self._named("previous")

    @once
    def is_nofollow(self) -> bool:
        """Whether the page asks not to follow its links: `<meta name=robots>`, or one with our name, `X-Robots-Tag`."""
        return "nofollow" in self._directives

    @once
    def is_noindex(self) -> bool:
        """Whether the page asks not to be kept: `noindex`, said in the same places. Up to the spider to obey."""
        return "noindex" in self._directives

    @once
    def base_url(self) -> str:
        """What relative links start from: the page's `<base href>` if it has one that is http or https, else `url`."""
        # Without a tree, one look at the bytes may save the parser.
        if "tree" not in self.__dict__ and not self.encoding.startswith("utf-16") and b"<base" not in self.body.lower():
            return self.url
        href = next((base.get("href") for base in self.tree.iter("base") if base.get("href") is not None), None)
        if href is None:
            return self.url
        try:
            base = join(self.url, href)
        except ValueError:
            return self.url
        return base if base.startswith(_WEB_SCHEMES) else self.url

    def urljoin(self, href: str) -> str:
        """The canonical absolute URL of a link on this page, without fragment. Raises `ValueError` if it is none."""
        try:
            # What `links()` gave is absolute and canonical already, which is quickly seen.
            return canonical_form(href) if href.startswith(_WEB_SCHEMES) else join(self.base_url, href)
        except ValueError:
            raise ValueError(f"{href!r} on {self.url} is not a URL") from None

    def follow(
        self,
        link: str | etree._Element | Selector,
        callback: Callback | None = None,
        **fields: Any,
    ) -> Request:
        """A request for a link on this page; `fields` are those of `Request` (data=, priority=, headers=, ...).

        `link` is a URL, relative or absolute, or an element with `href` or `src`, from lxml or from `css` and `xpath`.
        Raises `ValueError` for what leads to no http or https URL, `TypeError` for anything else.
        """
        url = self.urljoin(link if isinstance(link, str) else self._href_of(link))
        if not url.startswith(_WEB_SCHEMES):
            raise ValueError(f"{url!r} on {self.url} cannot be fetched: only http and https can")
        return Request(url, callback, **fields)

    def form(
        self,
        css: str | None = None,
        *,
        name: str | None = None,
        id: str | None = None,
        number: int = 0,
        fields: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        click: str | bool | None = None,
        callback: Callback | None = None,
        **request_fields: Any,
    ) -> Request:
        """A request that sends a form of this page as a browser does, with what stands in its other fields.

        ```python
        yield page.form(id="login", fields={"user": "me", "remember": True}, callback=self.parse_account)
        ```

        - `css`: the form, or an element in it or around it. `name`, `id`: its own. `number`: which of those, from 0.
        - `fields`: what is filled in: a text, a number, a list of them for several values, True or False for a
          checkbox, `(file name, bytes)` for a file, None to leave the field out. What scripts fill in has to be here.
        - `extra`: fields that the page does not have, as a script would add them; sent last.
        - `click`: the button that is pressed, by its name, id, value or text. Without it the first one, as the return
          key does; False presses none.
        - `callback` and the rest are those of `Request`.

        Raises `ValueError` for a form, field or button that is not there, and tells what is.
        """
        from crawler.spider.forms import choose, form_of, submit

        every = list(self.tree.iter("form"))
        forms = every
        if css is not None:
            found = dict.fromkeys(form_of(match.root) for match in self.css(css))
            forms = [form for form in found if form is not None]
        forms = [
            form
            for form in forms
            if (name is None or form.get("name") == name) and (id is None or form.get("id") == id)
        ]
        wanted = [f"{key} {value!r}" for key, value in (("css", css), ("name", name), ("id", id)) if value is not None]
        asked = " ".join([*(f"with {one}" for one in wanted), f"number {number}", f"on {self.url}"])
        form = choose(forms, every, number, asked)
        sent = submit(self.tree, form, fields or {}, click, self.encoding, extra or {})
        url = self.urljoin(sent.action) if sent.action else self.url
        if not url.startswith(_WEB_SCHEMES):
            raise ValueError(f"the form is sent to {url!r}, which cannot be fetched: only http and https can")
        if sent.query is not None:
            return Request(f"{url.partition('?')[0]}?{sent.query}", callback, **request_fields)
        headers = with_content_type(request_fields.pop("headers", None), sent.content_type)
        return Request(url, callback, method="POST", body=sent.body, headers=headers, **request_fields)

    def save(self, name: str = "", *, folder: str = "") -> SavedFile:
        """Write the body to a file below `download.folder`; where it is (`path`), its `size`, `sha256`, `content_type`.

        ```python
        yield {"title": title, "copy": page.save(folder="pages").path}
        ```

        The name, else that of the answer or of the URL, and the folder are made safe. What another URL has saved is not
        replaced: the file gets a number then. Outside of a crawl the folder is `downloads`. What may be large is better
        fetched with `Download`, which keeps nothing in memory. Raises `ValueError` for a page that was cut, and
        `OutputError`.
        """
        if self.file is not None:
            return self.file
        if self.truncated:
            raise ValueError(f"{self.url} was cut at fetch.max_body; yield Download(url) saves all of it")
        save = self._options.save
        if save is None:
            from crawler.download_folder import DownloadFolder

            save = DownloadFolder("downloads").save
        first_url = self.request.hops[0] if self.request.hops else self.request.url
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        disposition = self.headers.get("content-disposition", "")
        saved: SavedFile = save(self.body, Save(folder, name), self.url, first_url, kind, disposition)
        return saved

    def _absolute(
        self, hrefs: list[str], pattern: Pattern | None = None, extensions: Collection[str] = ()
    ) -> list[str]:
        from crawler.spider.links import absolute

        base = self.base_url
        # A page can give its links a beginning of any length, and is charged for that.
        most = min(self._options.max_links, _MOST_CHARACTERS // len(base))
        urls = absolute(hrefs, base, pattern, extensions, most + 1)
        if len(urls) > most:
            del urls[most:]
            self._tell(f"has more than {most} links: the others are left out (limits.max_links)")
        return urls

    @once
    def _link_tree(self) -> etree._Element:
        tree: etree._Element = self.tree
        if self._is_too_deep and not self._is_xml:
            from crawler.spider.tree import parse_links

            tree = parse_links(self.text, self._options.max_tags)
        return tree

    def _tell(self, what: str) -> None:
        """Say once in the log that something of this page is left out."""
        if what not in self._told:
            self._told.add(what)
            logging.getLogger("crawler").warning("%s %s", self.url, what)

    def _named(self, rel: str) -> str | None:
        from crawler.spider.links import named_links_in

        href = self._named_links.get(rel)
        if href is None and rel != "canonical":
            href = named_links_in(self.tree, "a").get(rel)
        try:
            url = join(self.base_url, href) if href is not None else ""
        except ValueError:
            return None
        return url if url.startswith(_WEB_SCHEMES) else None

    def _href_of(self, link: Any) -> str:
        target = getattr(link, "root", link)
        if isinstance(target, str):
            return target
        if isinstance(link, list):
            raise TypeError(f"follow() takes one link, not {len(link)}: for a in page.css(...): yield page.follow(a)")
        if target is None:
            raise TypeError(f"follow() got None: the selector found no link on {self.url}")
        if not hasattr(target, "get"):
            raise TypeError(f"follow() takes a URL or an element, not {type(target).__name__}")
        for attribute in ("href", "src"):
            href = target.get(attribute)
            if isinstance(href, str):
                return href
        raise ValueError(f"the <{getattr(target, 'tag', '?')}> element on {self.url} has neither href nor src")

    @once
    def _metas(self) -> list[tuple[str, str, str]]:
        from crawler.spider.links import metas_in

        return metas_in(self.tree)

    @once
    def _named_links(self) -> dict[str, str]:
        from crawler.spider.links import named_links_in

        return named_links_in(self.tree, "link")

    @once
    def _directives(self) -> frozenset[str]:
        fields = self.headers.getall("x-robots-tag")
        if not fields and not self._metas:
            return frozenset()
        from crawler.spider.directives import directives

        return directives(self._metas, fields, self._options.token)

    @once
    def _decoded(self) -> tuple[str, str]:
        return decode(self.body, self._content_type)

    @once
    def _content_type(self) -> str | None:
        fields = self.headers.getall("content-type")
        return fields[-1] if fields else None

    @once
    def _is_xml(self) -> bool:
        from crawler.spider.tree import is_xml

        return is_xml(self.text, parse_content_type(self._content_type or "")[0])


def _extensions(extensions: Collection[str]) -> frozenset[str]:
    if isinstance(extensions, str):
        raise TypeError(f"extensions= takes several: links(extensions=[{extensions!r}])")
    return frozenset(extension.lower().removeprefix(".") for extension in extensions)
