"""`crawl audit [RUN]`: whether every host got its permits and its delay, by the true starts of all requests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import click

from crawler.observe.plain import json_line, plain

if TYPE_CHECKING:
    from crawler.frontier.ledger import Ledger
    from crawler.politeness.audit import Fetch, Kept, Pair

_SHOWN = 20  # hosts in the table


@click.command("audit")
@click.argument("name", required=False, metavar="[RUN]")
@click.option("--all", "show_all", is_flag=True, help=f"All hosts, not only the {_SHOWN} that were treated worst.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def command(name: str | None, show_all: bool, as_json: bool) -> None:
    """Prove that no host saw more requests at once than its permits, or two starts closer than its delay.

    Looks at the true start of every request, as the workers reported it, and at the settings that were in force then:
    those of the run, of its [[host]] tables, of `crawl set`, and the Crawl-delay of robots.txt. Exit code 0 if all was
    kept, 1 if not. What was in flight when a run was killed never came back, and is not looked at.

    RUN is a run's name, its path, or a spider's name (its latest run); left out, the latest run of all.
    """
    from crawler.frontier.fetches import fetched_url, fetches
    from crawler.frontier.ledger import Ledger
    from crawler.history import is_by_address, promised
    from crawler.politeness.audit import Fetch, audit
    from crawler.politeness.in_force import InForce
    from crawler.runs.folder import find

    folder = find(name)
    totals = _Totals()
    with closing(Ledger(folder.ledger, read_only=True)) as ledger:
        totals.by_address = is_by_address(ledger)
        totals.is_open = ledger.get("end") is None
        in_force = InForce(promised(folder, ledger), _crawl_delays(ledger))
        all_hosts = totals.counted(audit((Fetch(*row) for row in fetches(ledger)), in_force.of))
        hosts = sorted(all_hosts, key=_badness, reverse=True) if show_all else nlargest(_SHOWN, all_hosts, _badness)

        def url_of(fetch: Fetch) -> str:
            return fetched_url(ledger, fetch.number)

        if as_json:
            found = [_as_json(host, url_of) for host in hosts]
            click.echo(json_line({"run": str(folder.path), **totals.as_json(), "hosts": found}))
        else:
            for line in (*_table(hosts, totals), *_accusations(hosts, url_of), *totals.told()):
                click.echo(plain(line))
    sys.exit(1 if totals.broken else 0)


class _Totals:
    """The numbers of all hosts, counted while they go by."""

    def __init__(self) -> None:
        self.hosts = self.requests = self.unknown = self.broken = 0
        self.by_address = self.is_open = False

    def counted(self, hosts: Iterable[Kept]) -> Iterator[Kept]:
        for host in hosts:
            self.hosts += 1
            self.requests += host.requests
            self.unknown += host.unknown
            self.broken += not host.is_kept
            yield host

    def told(self) -> Iterator[str]:
        if self.unknown:
            told = "1 attempt has" if self.unknown == 1 else f"{self.unknown:,} attempts have"
            yield f"{told} no end, as the worker died: not looked at"
        if self.is_open:
            yield "the run goes on or was killed: what is or was in flight then is not in its ledger, and not looked at"
        if self.by_address:
            yield "hosts were told apart by address (politeness.host_key), which is not kept: looked at by name"
        requests = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        hosts = f"{self.hosts:,} host{'' if self.hosts == 1 else 's'}"
        if self.broken:
            yield f"not kept: {self.broken:,} of {hosts} saw more than allowed"
        elif not self.hosts:
            yield "no request has come back in this run"
        else:
            yield f"kept: {requests} to {hosts}; none saw more at once than its permits, or less than its delay"

    def as_json(self) -> dict[str, Any]:
        return {
            "kept": not self.broken,
            "host_count": self.hosts,
            "hosts_not_kept": self.broken,
            "requests": self.requests,
            "without_end": self.unknown,
            "is_open": self.is_open,
        }


def _crawl_delays(ledger: Ledger) -> Callable[[str], Sequence[tuple[float, float]]]:
    """What hosts asked for, in the files of http and of https: since when each was known, and the seconds."""
    from crawler.frontier.fetches import robots_of
    from crawler.history import robots_tokens
    from crawler.robots_text import RobotsText

    tokens, most = robots_tokens(ledger)

    def asked(host: str) -> Sequence[tuple[float, float]]:
        return [
            (fetched, min(most, delay))
            for fetched, body in (robots_of(ledger, host) if tokens else ())
            if b"delay" in body.lower()
            for delay in (RobotsText(body, len(body)).crawl_delay(token) for token in tokens)
            if delay
        ]

    return asked


def _badness(host: Kept) -> tuple[bool, float, int]:
    return host.badness


def _table(hosts: Sequence[Kept], totals: _Totals) -> Iterator[str]:
    """Of each host its requests, the most at once and its permits, the shortest gap and its delay."""
    rows = [("HOST", "REQUESTS", "AT ONCE", "SHORTEST GAP", "")]
    for host in hosts:
        gap = f"{'-' if host.gap is None else f'{host.gap:.3f}'}/{host.delay:.3f} s"
        rows.append((host.host, f"{host.requests:,}", f"{host.most}/{host.permits}", gap, _fault(host)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows if hosts else ():
        cells = [text.rjust(width) for text, width in zip(row[1:4], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells, row[4]]).rstrip()
    if totals.hosts > len(hosts):
        yield f"and {totals.hosts - len(hosts):,} more, which were treated no worse (--all shows them)"


def _fault(host: Kept) -> str:
    return " and ".join([*(["too many"] if host.crowded else []), *(["too soon"] if host.hurried else [])])


def _accusations(hosts: Sequence[Kept], url_of: Callable[[Fetch], str]) -> Iterator[str]:
    """The two requests behind each fault."""
    for host in hosts:
        if host.crowded:
            yield f"{host.host} saw {host.most} requests at once, and {host.permits} allowed:"
            yield from _named(host.crowded, url_of)
        if host.hurried:
            yield f"{host.host} saw two starts within {host.gap:.3f} s, and has a delay of {host.delay:.3f} s:"
            yield from _named(host.hurried, url_of)


def _named(pair: Pair, url_of: Callable[[Fetch], str]) -> Iterator[str]:
    for fetch in pair:
        at = datetime.fromtimestamp(fetch.at).isoformat(" ", "milliseconds")
        yield f"  {at}  {fetch.seconds:.3f} s  {url_of(fetch)}"


def _as_json(host: Kept, url_of: Callable[[Fetch], str]) -> dict[str, Any]:
    def pair(found: Pair | None) -> list[dict[str, Any]] | None:
        if found is None:
            return None
        return [
            {
                "at": datetime.fromtimestamp(fetch.at, UTC).isoformat(timespec="milliseconds"),
                "seconds": fetch.seconds,
                "url": url_of(fetch),
            }
            for fetch in found
        ]

    return {
        "host": host.host,
        "kept": host.is_kept,
        "requests": host.requests,
        "without_end": host.unknown,
        "most": host.most,
        "permits": host.permits,
        "gap": host.gap,
        "delay": host.delay,
        "crowded": pair(host.crowded),
        "hurried": pair(host.hurried),
    }
