"""How the hosts of a run are treated, and what is known of their robots.txt."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from crawler.frontier.ledger import Ledger
from crawler.host_table import HostTable
from crawler.politeness.adaptive import Adaptive
from crawler.politeness.addresses import Addresses
from crawler.politeness.breaker import Breaker
from crawler.politeness.hosts import Hosts
from crawler.pool.lane import Inbox
from crawler.rules.robots import RobotsMemory, tokens_of
from crawler.settings import Settings


def hosts_of(settings: Settings, inbox: Inbox, stack: ExitStack) -> Hosts:
    """The hosts of a run. Where they count by address, `stack` lets the threads go that look these up."""
    politeness, breaker = settings.politeness, settings.breaker
    addresses = Addresses(inbox.put) if politeness.host_key == "address" else None
    if addresses is not None:
        stack.callback(addresses.close)
    return Hosts(
        politeness.per_host,
        politeness.delay,
        jitter=politeness.jitter,
        table=HostTable(settings.host),
        adaptive=Adaptive(politeness.max_delay) if politeness.adaptive else None,
        breaker=Breaker(breaker.failures, breaker.pause, breaker.max_pause, breaker.give_up)
        if breaker.failures
        else None,
        max_retry_after=politeness.max_retry_after,
        addresses=addresses,
    )


def robots_of(settings: Sequence[Settings], ledger: Ledger, hosts: Hosts) -> RobotsMemory:
    """The robots.txt files of a run; `hosts` are told of their Crawl-delays."""
    robots = settings[0].robots
    return RobotsMemory(
        ledger,
        robots.max_size,
        robots.max_age,
        tokens=tokens_of(settings),
        max_crawl_delay=robots.max_crawl_delay,
        slow=hosts.ask_for,
    )
