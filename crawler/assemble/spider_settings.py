"""The settings of each spider of a run, from all layers, checked before anything begins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from crawler.assemble.items import stages_of
from crawler.errors import UsageError
from crawler.expect import Expect
from crawler.fetch.clients import check_client
from crawler.fetch.proxies import check_proxy
from crawler.rules.auth import Auth
from crawler.rules.scope import Scope
from crawler.secrets import resolve, shown
from crawler.settings import Layer, Settings, config_layer, environment_layers, flat, merge, project_layer
from crawler.spider.base import Spider
from crawler.spider.load_object import lasting


def settings_of(spiders: Sequence[Spider], config: str | None, flags: Sequence[Layer]) -> list[Settings]:
    """The settings of each spider of a run, from all layers. The spiders get what their items go through.

    Raises `SettingsError` for a wrong setting, and `UsageError` where two spiders want a different value for
    something that they share.
    """
    merged = [merge(layers) for layers in layers_of(spiders, config, flags)]
    for one in merged:
        check_secrets(one)
        Scope(one.scope.allowed_hosts)
    shared = [_shared(settings) for settings in merged]
    for spider, other in zip(spiders[1:], shared[1:], strict=True):
        for key, value in other.items():
            if value != shared[0][key]:
                raise UsageError(
                    f"{spiders[0].name} wants {key} = {shown(key, shared[0][key])} and {spider.name} wants "
                    f"{shown(key, value)}, "
                    "and spiders of one run share it",
                    hint=f"say which: -s {key}=…, or run them one after the other",
                )
    merged = [_lasting(one) for one in merged]
    for spider, own in zip(spiders, merged, strict=True):
        spider.item_stages = stages_of(spider, own)
        _check_expect(spider)
    return merged


def layers_of(
    spiders: Sequence[Spider | type[Spider] | None], config: str | None, flags: Sequence[Layer]
) -> list[list[Layer]]:
    """The layers over the defaults for each spider (None: without those of a spider), weakest first."""
    below = project_layer(Path.cwd())
    above = [*([config_layer(config)] if config else []), *environment_layers(os.environ), *flags]
    own = [[flat(one.settings, f"settings of {one.name}")] if one is not None else [] for one in spiders]
    return [[below, *layers, *above] for layers in own]


def check_secrets(settings: Settings) -> None:
    """Whether all that settings want from the environment is there, and proxies are some. Raises `UsageError`."""
    for value in settings.fetch.headers.values():
        resolve(value)
    for proxy in (settings.fetch.proxy, *(table.proxy for table in settings.host)):
        check_proxy(resolve(proxy or ""), settings.fetch.client)
    check_client(settings.fetch.client)
    Auth(settings.host)


def _check_expect(spider: Spider) -> None:
    """Whether `expect` can be meant. Raises `UsageError`."""
    expect = spider.expect
    if expect is None or isinstance(expect, Expect):
        return
    if not isinstance(expect, Mapping) or not all(isinstance(one, Expect) for one in expect.values()):
        raise UsageError(
            f"expect of spider {spider.name} is neither an Expect nor one for each callback",
            hint='write expect = Expect(...), or expect = {"parse": Expect(...)}',
        )
    for name in expect:
        spider.callback(name)


def _lasting(settings: Settings) -> Settings:
    """Settings that mean the same wherever the run is resumed."""
    items = msgspec.structs.replace(settings.items, pipelines=[lasting(one) for one in settings.items.pipelines])
    archives = {name: os.path.abspath(path) for name in ("record", "replay") if (path := getattr(settings.run, name))}
    return msgspec.structs.replace(settings, items=items, run=msgspec.structs.replace(settings.run, **archives))


# What every spider of a run may have for itself; everything else belongs to the run.
_OWN_SECTIONS = ("scope", "url", "traps", "retry", "redirect", "download", "items")
_OWN_KEYS = (
    "robots.obey",
    "fetch.proxy",
    "limits.max_url",
    "fetch.headers",
    "fetch.user_agent",
    "fetch.accept_status",
    "limits.max_depth",
)


def _shared(settings: Settings) -> dict[str, Any]:
    values = flat(msgspec.to_builtins(settings), "").values
    return {
        key: value
        for key, value in values.items()
        if key.partition(".")[0] not in _OWN_SECTIONS and key not in _OWN_KEYS
    }
