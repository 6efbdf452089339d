"""`crawl config [KEY]`: the settings that would count, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click

from crawler.cli.options import with_config, with_set
from crawler.errors import UsageError
from crawler.observe.plain import json_line, plain
from crawler.settings import Layer, shipped


@click.command("config")
@click.argument("key", required=False, metavar="[KEY]")
@click.option("--spider", metavar="SPIDER", help="With the settings of this spider.")
@with_set
@with_config
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with value and source of each key.")
def command(
    key: str | None, spider: str | None, assignments: tuple[str, ...], config: str | None, as_json: bool
) -> None:
    """Show the settings and where each comes from.

    Those without a # are the defaults; secrets are masked. KEY is a setting (politeness.delay), whose value is printed
    alone, or a section (politeness). From the weakest to the strongest: the defaults, [tool.crawl] in pyproject.toml,
    the spider's settings, --config, CRAWL_SECTION_KEY in the environment, -s.
    """
    from crawler.assemble.spider_settings import layers_of
    from crawler.cli.run import flags
    from crawler.settings import default_layer, merge
    from crawler.spider.load import named

    loaded = named(spider) if spider is not None else None
    (layers,) = layers_of([loaded], config, flags(assignments, False, {}))
    values = _values(merge(layers))
    sources = _sources([default_layer(), *layers])
    shown = {name: value for name, value in values.items() if key is None or name == key or name.startswith(f"{key}.")}
    if key is not None and not shown:
        raise _unknown(key, values)
    if as_json:
        click.echo(json_line({name: {"value": value, "from": sources[name]} for name, value in shown.items()}))
    elif key in shown:
        click.echo(plain(_text(shown[key])))
        click.echo(f"crawl: from {plain(sources[key])}", err=True)
    else:
        _show(shown, sources)


def _values(settings: Any) -> dict[str, Any]:
    """Dotted keys and values as JSON has them, secrets masked."""
    import msgspec

    from crawler.secrets import masked
    from crawler.settings import flat

    return masked(flat(msgspec.to_builtins(settings), "").values)


def _sources(layers: Iterable[Layer]) -> dict[str, str]:
    """The strongest layer that has a key, by key. Of `[[host]]` tables, which add up, all are named."""
    default = str(shipped("default"))
    sources: dict[str, str] = {}
    hosts = []
    for layer in layers:
        name = "the defaults" if layer.source == default else _short(layer.source)
        sources |= dict.fromkeys(layer.values, name)
        if layer.values.get("host"):
            hosts.append(name)
    if hosts:
        sources["host"] = ", ".join(reversed(hosts))
    return sources


def _short(source: str) -> str:
    """A flag without its value, which may be a secret; a path as it is."""
    return source.partition("=")[0] if source.startswith("-s ") else source


def _unknown(key: str, values: dict[str, Any]) -> UsageError:
    sections = {name.partition(".")[0] for name in values}
    close = [name for name in values if name.partition(".")[2] == key.rpartition(".")[2]]
    close = close or get_close_matches(key, [*values, *sections], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"sections are: {', '.join(sorted(sections))}"
    return UsageError(f"there is no setting {key!r}", hint=hint)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_line(value)


def _show(values: dict[str, Any], sources: dict[str, str]) -> None:
    """`key = value` as TOML has them, and behind those that are not the defaults, where they come from."""
    lines = [f"{name} = {json_line(value)}" for name, value in values.items()]
    width = min(max(map(len, lines)), 60)
    for name, line in zip(values, lines, strict=True):
        is_default = sources[name] == "the defaults"
        click.echo(plain(line if is_default else f"{line:{width}}  # {sources[name]}"))
