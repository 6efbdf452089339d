"""Every robots.txt case passes, or contradicts the RFC in a sentence that is named."""

from tests.conformance import robots


def test_all_cases_pass_or_contradict_the_rfc(data):
    results = robots.results(data)
    assert len(results) == 146
    failed = [result for result in results if not result.passed]
    assert [result for result in failed if not result.reason.startswith("contradicts RFC 9309")] == []
    assert len(failed) == len(robots.CONTRADICTIONS)
