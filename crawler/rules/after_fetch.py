"""The rules that look at an outcome alone: what a crawl and the workers that read pages both ask."""

from __future__ import annotations

from crawler.protocols import Rule
from crawler.rules.content import Content
from crawler.rules.redirect import Redirect
from crawler.rules.retry import Retry
from crawler.rules.status import Status
from crawler.settings import Settings


def after_fetch(settings: Settings) -> list[Rule]:
    """In their order. A response to which all of them say `Keep` is a page, as far as they are concerned."""
    retry, redirect, fetch = settings.retry, settings.redirect, settings.fetch
    return [
        Redirect(redirect.max_hops, redirect.downgrade, redirect.secret_headers, settings.limits.max_url),
        Content(),
        Retry(
            retry.times,
            retry.status,
            retry.pause,
            retry.max_pause,
            jitter=retry.jitter,
            methods=retry.methods,
            budget=retry.host_budget,
            share=retry.host_budget_share,
            max_asked=settings.politeness.max_retry_after,
            accepted=fetch.accept_status,
        ),
        Status(fetch.accept_status, retry.status),
    ]
