"""What the items of a run go through: the stages of their spider, then outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from inspect import isroutine

from crawler.export.registry import TABLE, Options
from crawler.observe.plain import for_screen
from crawler.protocols import Stages
from crawler.settings import Settings
from crawler.spider.base import Spider
from crawler.spider.load_object import load_object
from crawler.spider.read_items import build_stages, close_pipelines, open_pipelines


def stages_of(spider: Spider, settings: Settings) -> Stages | None:
    """What the items of a spider go through; None where that is nothing.

    Raises `UsageError` for what the spider or the setting `items.pipelines` cannot mean, and `SpiderLoadError` for what
    code of the user raises.
    """
    further = settings.items.pipelines
    # Any of these may also be the name of a callback, which says nothing about items.
    item, processors, pipelines, unique_by = (
        None if isroutine(one) else one for one in (spider.item, spider.processors, spider.pipelines, spider.unique_by)
    )
    if item is None and not (processors or pipelines or unique_by or further):
        return None
    from crawler.items.stages import ItemStages  # most spiders have none

    def build() -> Stages:
        return ItemStages(
            spider.name,
            declared=item,
            processors=processors or {},
            pipelines=pipelines or (),
            unique_by=unique_by or (),
            further=[load_object(target) for target in further],
        )

    return build_stages(build)


def open_stages(
    spiders: Sequence[Spider], settings: Sequence[Settings], is_stored: Callable[[int], bool], stack: ExitStack
) -> list[Stages]:
    """The stages of all spiders, with pipelines that have begun. Whatever comes then, `stack` closes them."""
    opened = []
    for number, (spider, own) in enumerate(zip(spiders, settings, strict=True)):
        if spider.item_stages is None:  # a run that goes on has its settings from its record
            spider.item_stages = stages_of(spider, own)
        stages = spider.item_stages
        if stages is not None:
            stack.callback(close_pipelines, stages, own.crawl.parse_timeout)
            open_pipelines(stages, spider, number, is_stored, own.crawl.parse_timeout)
            opened.append(stages)
    return opened


def output_options(spiders: Sequence[str], settings: Settings, run: str) -> Options:
    """What the settings want of the outputs of a run of these spiders; `run` names it in databases."""
    output = settings.output
    return Options(
        template=output.format,
        escape_formulas=output.formulas == "escape",
        shown=for_screen(),
        fields=output.fields,
        sort=output.sort,
        append=output.append,
        batch_items=output.batch_items,
        table=_table_of(spiders),
        run=run,
    )


def _table_of(spiders: Sequence[str]) -> str:
    """What the table of a run is called, where its output does not say so: as its only spider."""
    return (re.sub(r"\W+", "_", spiders[0]).lower() if len(spiders) == 1 else "") or TABLE
