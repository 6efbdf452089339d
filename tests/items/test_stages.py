"""The order of an item's stages, and what pipelines may be and return."""

from dataclasses import dataclass
from functools import partial

import pytest

from crawler import Dedupe, DropItem, default, number
from crawler.errors import UsageError
from crawler.item import WrongItem
from crawler.items.stages import ItemStages
from crawler.request import Request


@dataclass
class Film:
    title: str
    votes: int = 0


def stages(**options):
    made = ItemStages("films", **options)
    made.open(None, 0, lambda _: False)
    return made


def sent(made, item, page="the page"):
    """The items that are left, and why others are not."""
    dropped = []
    return made.process(item, page, [], dropped), dropped


class Upper:
    def process(self, item):
        return {**item, "title": item["title"].upper()}


class Noted:
    """Writes down what it is told."""

    def __init__(self, log, name="noted", fails=""):
        self.log, self.name, self.fails = log, name, fails

    def _note(self, what):
        self.log.append(f"{self.name} {what}")
        if what == self.fails:
            raise ValueError(what)

    def open(self, spider):
        self._note("open")

    def process(self, item, page):
        self._note(f"has {item} of {page}")
        return item

    def close(self):
        self._note("close")


# -- processors and the declared class


def test_processors_run_in_their_order_and_before_the_class_is_checked():
    made = stages(declared=Film, processors={"title": str.strip, "votes": (str.strip, number)})
    assert made.checks
    assert made.check({"title": " x ", "votes": " 2,012 "}) == Film("x", 2012)


def test_processors_are_not_asked_for_none_but_a_default_is():
    made = stages(processors={"a": str.strip, "b": (default(" x "), str.strip), "c": str.strip, "d": default(1)})
    assert made.check({"a": None, "b": None}) == {"a": None, "b": "x", "d": 1}


def test_processors_change_a_copy_of_the_item():
    made = stages(processors={"title": str.strip})
    mine, film = {"title": " x "}, Film(" x ")
    assert (made.check(mine), made.check(film)) == ({"title": "x"}, Film("x"))
    assert (mine, film) == ({"title": " x "}, Film(" x "))


def test_a_processor_that_raises_is_told_with_field_and_value():
    with pytest.raises(WrongItem) as caught:
        stages(processors={"votes": number}).check({"votes": "many"})
    assert (caught.value.what, caught.value.value) == ("votes", "'many'")
    assert str(caught.value).startswith("ValueError: 'many' is no number")
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_class_that_raises_is_told():
    @dataclass
    class Strict:
        title: str

        def __post_init__(self):
            raise {"drop": DropItem("not wanted"), "fail": KeyError("x")}[self.title]

    made = stages(declared=Strict)
    with pytest.raises(WrongItem, match="KeyError: 'x'"):
        made.check({"title": "fail"})
    with pytest.raises(DropItem):
        made.check({"title": "drop"})


@pytest.mark.parametrize("options", [{"processors": {"titel": str.strip}}, {"unique_by": "titel"}])
def test_a_field_that_the_class_does_not_have_is_told_at_once(options):
    with pytest.raises(UsageError, match="names the field 'titel', which its items do not have"):
        ItemStages("films", declared=Film, **options)


def test_a_pipeline_may_add_the_field_that_is_unique():
    made = stages(declared=Film, pipelines=[lambda film: {"title": film.title, "key": 1}], unique_by="key")
    assert sent(made, Film("x")) == ([{"title": "x", "key": 1}], [])


# -- pipelines


def test_pipelines_are_classes_instances_and_functions_and_run_in_their_order():
    def twice(item):
        return {**item, "title": item["title"] * 2}

    made = stages(pipelines=[Upper, twice, partial(dict, seen=True), Upper()])
    assert sent(made, {"title": "x"}) == ([{"title": "XX", "seen": True}], [])


def test_a_pipeline_gets_the_page_if_it_takes_one():
    def with_page(item, page):
        return {**item, "page": page}

    def with_more(item, *others):
        return {**item, "others": others}

    assert sent(stages(pipelines=[with_page, with_more]), {}) == ([{"page": "the page", "others": ("the page",)}], [])


def test_those_of_the_settings_come_after_those_of_the_spider_and_the_key_is_last():
    log = []
    made = stages(pipelines=[Noted(log, "own")], further=[Noted(log, "further")], unique_by="id")
    sent(made, {"id": 1})
    assert sent(made, {"id": 1}) == ([], ["duplicate id"])
    assert [line.split()[0] for line in log] == ["own", "further"] * 3


def test_none_and_dropitem_leave_an_item_out_with_a_reason():
    def judge(item):
        if item["id"] == 1:
            raise DropItem("too cheap")
        if item["id"] == 2:
            raise DropItem
        return None if item["id"] == 3 else item

    made = stages(pipelines=[judge, Upper])
    assert [sent(made, {"id": number})[1] for number in (1, 2, 3)] == [["too cheap"], ["by judge"], ["by judge"]]


def test_a_pipeline_may_yield_several_items_and_each_goes_on():
    def split(item):
        for title in item["titles"]:
            yield {"title": title}

    made = stages(pipelines=[split, Upper, Dedupe("title")])
    assert sent(made, {"titles": ["a", "b", "a"]}) == ([{"title": "A"}, {"title": "B"}], ["duplicate title"])
    assert sent(made, {"titles": []}) == ([], [])


def test_a_key_is_free_again_if_a_later_pipeline_drops_or_refuses_the_item():
    def dear(item):
        if item["price"] is None:
            raise ValueError("no price")
        return item if item["price"] != 1 else None

    made = stages(pipelines=[Dedupe("id"), dear])
    assert sent(made, {"id": 1, "price": 1}) == ([], ["by dear"])
    assert sent(made, {"id": 1, "price": object()})[1] == []  # which nobody can write
    keys = []
    with pytest.raises(ValueError, match="no price"):
        made.process({"id": 1, "price": None}, "the page", keys, [])
    made.forget([keys])
    assert sent(made, {"id": 1, "price": 100}) == ([{"id": 1, "price": 100}], [])
    assert sent(made, {"id": 1, "price": 100}) == ([], ["duplicate id"])


def test_a_request_that_a_pipeline_gives_is_no_item():
    def more(item):
        yield item
        yield Request("https://example.com/")

    with pytest.raises(TypeError, match="more returned a Request; callbacks yield requests"):
        sent(stages(pipelines=[more]), {"a": 1})


def test_what_is_no_item_is_an_error():
    with pytest.raises(
        TypeError, match="returned str 'x'; a pipeline returns an item, or None to drop it, or yields several"
    ):
        sent(stages(pipelines=[lambda item: "x"]), {})


def test_keys_are_told_also_if_a_later_pipeline_raises():
    def fails(item):
        raise LookupError

    made = stages(pipelines=[Dedupe("id"), fails])
    keys = []
    with pytest.raises(LookupError):
        made.process({"id": 1}, None, keys, [])
    assert len(keys) == 1
    assert sent(made, {"id": 1}) == ([], ["duplicate id"])
    made.forget([keys])
    with pytest.raises(LookupError):
        sent(made, {"id": 1})


def test_pipelines_are_opened_and_closed_once_and_in_order():
    log = []
    made = ItemStages("films", pipelines=[Noted(log, "a"), Upper, Noted(log, "b")])
    assert not made.has_pipelines
    made.open(None, 0, lambda _: False)
    assert made.has_pipelines
    failed = []
    made.close(failed.append)
    made.close(failed.append)
    assert log == ["a open", "b open", "a close", "b close"]
    assert not failed


def test_one_that_cannot_be_opened_is_closed_with_those_before_it_and_all_are_closed_if_one_fails():
    log, failed = [], []
    made = ItemStages("films", pipelines=[Noted(log, "a", "close"), Noted(log, "b", "open"), Noted(log, "c")])
    with pytest.raises(ValueError, match="open"):
        made.open(None, 0, lambda _: False)
    made.close(failed.append)
    assert log == ["a open", "b open", "a close", "b close"]
    assert [str(error) for error in failed] == ["close"]


def test_only_what_is_the_users_runs_under_a_time_limit():
    assert not stages(unique_by="id").runs_user_code
    assert stages(pipelines=[Upper]).runs_user_code


class Empty:
    pass


class Needs:
    def __init__(self, path):
        pass

    def process(self, item):
        return item


class Wrong:
    def process(self):
        return None


async def later(item):
    return item


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pipelines": [Empty]}, "class Empty in pipelines of spider films has no process"),
        ({"pipelines": [Empty()]}, "is no pipeline"),
        ({"pipelines": [5]}, "5 in pipelines of spider films is no pipeline"),
        ({"pipelines": [Needs]}, "Needs in pipelines of spider films needs path"),
        ({"pipelines": [Wrong]}, "cannot be called with an item"),
        ({"pipelines": [later]}, "later in pipelines of spider films is async"),
        ({"pipelines": [Dedupe]}, "does not say which field"),
        ({"pipelines": Upper}, "pipelines of spider films is no list"),
        ({"pipelines": "upper"}, "pipelines of spider films is no list"),
        ({"further": [Empty]}, "in the setting items.pipelines has no process"),
        ({"processors": [str.strip]}, "processors of spider films is no dict"),
        ({"processors": {"a": "strip"}}, "'strip' for 'a' is no function"),
        ({"unique_by": 5}, "unique_by of spider films is 5"),
        ({"unique_by": ["a", 5]}, "unique_by of spider films is"),
    ],
)
def test_what_cannot_be_meant_is_told(options, told):
    with pytest.raises(UsageError, match=told):
        ItemStages("films", **options)
