import copy

from hypothesis import given
from hypothesis import strategies as st

from crawler.frontier.recent import Recent

URLS = st.lists(st.sampled_from("abcdefgh"), max_size=12)


@given(st.integers(1, 5), URLS, URLS)
def test_many_are_asked_for_as_one_by_one(most, added, asked):
    recent = Recent(most)
    for url in added:
        recent.add(url)
    one_by_one = copy.deepcopy(recent)
    unknown = [url for url in asked if url not in one_by_one]
    if most > len(asked):  # else to look may make it forget, and in which order it is asked counts
        assert recent.unknown(asked) == unknown
    assert set(unknown) - set(added) == set(asked) - set(added)


def test_what_is_used_stays():
    recent = Recent(2)
    for url in ("a", "b", "c"):
        recent.add(url)
    assert recent.unknown(["a", "x", "c"]) == ["x"]
    recent.add("d")  # forgets b, which nobody has asked for
    assert recent.unknown(["a", "b", "c", "d"]) == ["b"]
