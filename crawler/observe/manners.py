"""What a crawl has to say about its manners: where its settings let it do what a good guest asks about first."""

from __future__ import annotations

from collections.abc import Sequence

from crawler.settings import Settings


def notes_of(spiders: Sequence[str], settings: Sequence[Settings]) -> list[str]:
    """One sentence for each: robots.txt not obeyed, certificates not verified, a proxy that sees addresses first.

    `settings` has an entry per spider. Empty for a crawl that does none of these. No credentials are in it.
    """
    return [*_robots(spiders, settings), *_certificates(settings[0]), *_proxies(settings)]


def _robots(spiders: Sequence[str], settings: Sequence[Settings]) -> list[str]:
    notes = []
    rude = [name for name, own in zip(spiders, settings, strict=True) if not own.robots.obey]
    tables = settings[0].host
    if rude:
        by = "" if len(rude) == len(spiders) else f" by {', '.join(rude)}"
        but = _but([one.match for one in tables if one.robots])
        notes.append(f"robots.txt is not obeyed{by} (robots.obey = false){but}")
    if len(rude) < len(spiders) and (hosts := [one.match for one in tables if one.robots is False]):
        notes.append(f"robots.txt is not obeyed on {', '.join(hosts)} ([[host]] robots = false)")
    return notes


def _certificates(settings: Settings) -> list[str]:
    if not settings.fetch.verify:
        but = _but([one.match for one in settings.host if one.verify])
        return [f"TLS certificates are not verified (fetch.verify = false){but}"]
    hosts = [one.match for one in settings.host if one.verify is False]
    return [f"TLS certificates are not verified on {', '.join(hosts)} ([[host]] verify = false)"] if hosts else []


def _proxies(settings: Sequence[Settings]) -> list[str]:
    hosts = [one.match for one in settings[0].host if one.proxy]
    if any(own.fetch.proxy for own in settings):
        where = "behind a proxy"
    elif hosts:
        where = f"behind the proxy of {', '.join(hosts)}"
    else:
        return []
    return [f"{where} only addresses in URLs can be checked, not those that names lead to"]


def _but(hosts: Sequence[str]) -> str:
    return f", but on {', '.join(hosts)}" if hosts else ""
