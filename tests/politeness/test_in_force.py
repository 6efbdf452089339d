"""What a host was promised at a moment: the settings, tables, changes and resumes that held then."""

from crawler.politeness.in_force import FOREVER, SETTLING, Change, InForce, OwnRules, Part

DELAY, PER_HOST = "politeness.delay", "politeness.per_host"


def promise(host, *parts, **options):
    return InForce(parts, **options).of(host)


def test_the_settings_of_the_run_with_the_least_delay_that_jitter_gives():
    found = promise("a.example", Part(FOREVER, 2, 1.0, 0.25))
    assert (found.permits(5.0), found.delay(5.0, 6.0)) == (2, 0.75)


def test_a_table_wins_over_the_settings_and_may_say_no_delay():
    part = Part(FOREVER, 2, 1.0, hosts=[OwnRules("*.example", 4, 0.0), OwnRules("a.example", 8, 3.0)])
    found = promise("a.example", part)
    assert (found.permits(5.0), found.delay(5.0, 6.0)) == (4, 0.0)
    found = promise("b.test:8000", part)
    assert (found.permits(5.0), found.delay(5.0, 6.0)) == (2, 1.0)


def test_a_change_of_one_host_wins_over_its_table_and_one_of_all_does_not():
    part = Part(FOREVER, 1, 1.0, hosts=[OwnRules("a.example", 4, 4.0)], changes=[
        Change(DELAY, 2.0, "", 100.0), Change(DELAY, 8.0, "a.example", 200.0), Change(PER_HOST, 3, "", 300.0),
    ])  # fmt: skip
    found = promise("a.example", part)
    assert [found.delay(at, at) for at in (50.0, 150.0, 250.0)] == [4.0, 4.0, 8.0]
    assert found.permits(350.0) == 4
    found = promise("b.example", part)
    assert [found.delay(at, at) for at in (50.0, 150.0, 250.0)] == [1.0, 2.0, 2.0]
    assert [found.permits(at) for at in (250.0, 350.0)] == [1, 3]


def test_while_a_change_settles_the_laxer_of_the_two_holds():
    part = Part(FOREVER, 4, 1.0, changes=[Change(DELAY, 5.0, "", 100.0), Change(PER_HOST, 1, "", 100.0)])
    found = promise("a.example", part)
    assert [found.permits(at) for at in (99.0, 100.0 + SETTLING / 2, 100.1 + SETTLING)] == [4, 4, 1]
    assert found.delay(99.9, 103.0) == 1.0
    assert found.delay(100.1 + SETTLING, 104.0) == 5.0
    faster = promise("a.example", Part(FOREVER, 1, 5.0, changes=[Change(DELAY, 1.0, "", 100.0)]))
    assert faster.delay(97.0, 100.1) == 1.0


def test_a_resume_with_other_settings_begins_another_part():
    parts = [
        Part(1000.0, 1, 1.0, changes=[Change(DELAY, 3.0, "", 500.0), Change(DELAY, 7.0, "b.example", 600.0)]),
        Part(FOREVER, 1, 2.0, changes=[Change(DELAY, 7.0, "b.example", 600.0), Change(DELAY, 0.5, "", 1500.0)]),
    ]
    found = promise("a.example", *parts)
    assert [found.delay(at, at) for at in (100.0, 700.0, 1200.0, 1700.0)] == [1.0, 3.0, 2.0, 0.5]
    found = promise("b.example", *parts)
    assert [found.delay(at, at) for at in (100.0, 700.0, 1200.0, 1700.0)] == [1.0, 7.0, 7.0, 7.0]


def test_a_crawl_delay_holds_from_the_moment_it_is_known_and_jitter_does_not_shorten_it():
    found = promise("a.example", Part(FOREVER, 1, 1.0, 0.5), asked=lambda host: [(100.0, 4.0)])
    assert [found.delay(before, before + 9) for before in (99.0, 100.0)] == [0.5, 4.0]
    found = promise("a.example", Part(FOREVER, 1, 8.0), asked=lambda host: [(100.0, 4.0)])
    assert found.delay(200.0, 209.0) == 8.0
    found = promise("a.example", Part(FOREVER, 1, 1.0), asked=lambda host: [(100.0, 2.0), (200.0, 4.0), (300.0, 3.0)])
    assert [found.delay(before, before + 9) for before in (150.0, 250.0, 350.0)] == [2.0, 4.0, 4.0]
