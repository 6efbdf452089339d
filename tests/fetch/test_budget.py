import threading

from crawler.fetch.budget import Budget


def in_thread(function, *arguments):
    """What it gives, or None while it waits."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*arguments)), daemon=True)
    thread.start()
    thread.join(0.05)
    return thread, found


def test_what_does_not_fit_waits_until_another_one_is_done():
    budget = Budget(100)
    assert budget.grow(60, 1.0)
    thread, found = in_thread(budget.grow, 50, 5.0)
    assert found == []
    budget.release()
    thread.join(5)
    assert found == [True]


def test_who_waits_too_long_is_told():
    budget = Budget(100)
    assert budget.grow(60, 1.0)
    _, found = in_thread(budget.grow, 50, 0.0)
    assert found == [False]
    budget.release()
    budget.release()
    assert budget._held == {}


def test_the_largest_one_always_goes_on():
    budget = Budget(100)
    assert budget.grow(60, 1.0)
    assert in_thread(budget.grow, 40, 0.0)[1] == [True]
    assert budget.grow(500, 0.0)


def test_one_alone_may_be_of_any_size():
    assert Budget(100).grow(500, 0.0)
