"""The rules of the spiders of a run, from their settings, and what they have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from crawler.download_folder import DownloadFolders
from crawler.host_table import HostTable
from crawler.protocols import Rule
from crawler.reading import PageError
from crawler.request import Request
from crawler.response import HeaderPairs, Outcome, Response
from crawler.robots_text import token_of
from crawler.rules import ORDER
from crawler.rules.after_fetch import after_fetch
from crawler.rules.auth import Auth
from crawler.rules.base import Rules
from crawler.rules.blocked import Blocked
from crawler.rules.cache import Always
from crawler.rules.cache_folder import CacheFolder
from crawler.rules.cookies import Cookies
from crawler.rules.depth import Depth
from crawler.rules.downloads import Downloads
from crawler.rules.headers import HeaderFields
from crawler.rules.robots import Robots, RobotsMemory
from crawler.rules.route import Router, Starts
from crawler.rules.scope import Scope
from crawler.rules.since import Since
from crawler.rules.traps import Traps
from crawler.secrets import resolve
from crawler.settings import Settings
from crawler.spider.base import Spider
from crawler.spider.read import read_blocked, search_within
from crawler.verdict import Go

if TYPE_CHECKING:
    from crawler.archive.archive import Archive

Take = Callable[[Request, HeaderPairs, Outcome], None]


class Shared(NamedTuple):
    """What the rules of all spiders of a run have in common, as one browser would: cookies, what hosts allow."""

    cookies: Cookies
    robots: RobotsMemory
    starts: Starts
    since: Since
    read_failed: Callable[[PageError], None]
    files: DownloadFolders | None = None  # what looks at single pages saves nothing
    takes: Sequence[Take] = ()  # who records what came
    replayed: Archive | None = None


def all_rules(spiders: Sequence[Spider], settings: Sequence[Settings], shared: Shared) -> list[Rules]:
    """The rules of each spider."""
    return [Rules(rules_of(spider, own, shared), ORDER) for spider, own in zip(spiders, settings, strict=True)]


def rules_of(spider: Spider, settings: Settings, shared: Shared) -> list[Rule]:
    def own_signature(request: Request, response: Response) -> bool | str:
        answer = read_blocked(spider, response, request, settings.crawl.parse_timeout)
        if isinstance(answer, PageError):
            shared.read_failed(answer)
            return False
        return answer

    def search(pattern: re.Pattern[str], url: str) -> bool | None:
        return search_within(settings.crawl.parse_timeout, pattern, url)

    has_own_signature = type(spider).blocked is not Spider.blocked
    limits, fetch, scope = settings.limits, settings.fetch, settings.scope
    rules: list[Rule] = [Scope(scope.allowed_hosts, scope.include, scope.exclude, limits.max_url, search)]
    if limits.max_depth >= 0:
        rules.append(Depth(limits.max_depth))
    table = HostTable(settings.host)
    rules += [
        Traps(**msgspec.structs.asdict(settings.traps)),
        Router(
            shared.starts,
            allow=settings.guard.allow,
            table=table,
            proxy=fetch.proxy,
            verify=fetch.verify,
            resolved=resolve,
        ),
    ]
    robots = settings.robots
    if robots.obey or any(one.robots for one in settings.host):
        rules.append(
            Robots(
                shared.robots,
                token_of(fetch.user_agent),
                obey=robots.obey,
                table=table,
                times=robots.times,
                pause=robots.pause,
                max_pause=settings.politeness.max_retry_after,
            )
        )
    rules += [
        HeaderFields(fetch.user_agent, {name: resolve(value) for name, value in fetch.headers.items()}),
        Auth(settings.host),
        shared.cookies,
    ]
    if shared.takes:
        rules.append(_record(rules, shared.takes))
    rules += [
        Blocked(own_signature if has_own_signature else None),
        *_downloads(settings, shared.files),
        *_cache(settings, rules),
        shared.since,
        *_replay(settings, shared),
        *after_fetch(settings),
    ]
    return rules


def _downloads(settings: Settings, files: DownloadFolders | None) -> list[Rule]:
    own = settings.download
    return [Downloads(files.of(own.folder), tuple(own.types), own.max_size, own.timeout)] if files is not None else []


def _cache(settings: Settings, rules: Sequence[Rule]) -> list[Rule]:
    """The rule for `cache.mode`, none for "off"; `rules` are those that stand before it."""
    cache = settings.cache
    if cache.mode == "off":
        return []
    folder = CacheFolder(Path(cache.folder) / cache.mode)
    if cache.mode == "always":
        return [Always(folder, cache.max_age)]
    from crawler.rules.cache_rfc9111 import PrivateCache  # its library takes 40 ms to import

    return [PrivateCache(folder, _sent_by(rules))]


def _sent_by(rules: Sequence[Rule]) -> Callable[[Request], HeaderPairs]:
    """The fields that rules send along with a request."""
    senders = Rules([rule for rule in rules if rule.name in ("headers", "auth", "cookies")], ORDER)

    def sent(request: Request) -> HeaderPairs:
        verdict = senders.before(request)
        return verdict.header_pairs if isinstance(verdict, Go) else ()

    return sent


def _record(rules: Sequence[Rule], takes: Sequence[Take]) -> Rule:
    """The rule that tells everything to recorders; `rules` are those that stand before it."""
    from crawler.fetch.decoding import ACCEPTED
    from crawler.rules.record import Record

    sent_by_rules = _sent_by(rules)
    accept = ("Accept-Encoding", ACCEPTED)

    def take(request: Request, outcome: Outcome) -> None:
        own = request.headers or {}
        names = {name.lower() for name in own}
        pairs = (*own.items(), *(pair for pair in (*sent_by_rules(request), accept) if pair[0].lower() not in names))
        for one in takes:
            one(request, pairs, outcome)

    return Record(take)


def _replay(settings: Settings, shared: Shared) -> list[Rule]:
    if shared.replayed is None:
        return []
    from crawler.rules.replay import Replay

    folder = shared.files.of(settings.download.folder) if shared.files is not None else None
    return [Replay(shared.replayed, lambda: folder.parts if folder is not None else "")]
