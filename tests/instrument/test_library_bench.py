"""The bench of the library, with a small one."""

from arc_instrument.library_bench import SEARCHES, measure_library


def test_every_take_of_the_library_is_opened_and_searched():
    times = measure_library(240)
    assert times.takes == 240
    assert min(times.open_ms, times.first_search_ms) > 0
    assert 0 < times.least_search_ms <= times.most_search_ms
    assert times.slowest in SEARCHES
