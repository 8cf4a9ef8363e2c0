# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests what counts as a regression.
from bench import baseline
from runner import selftest


def verdicts(measured, known):
    return [is_ok for _, is_ok, _ in baseline.compare(measured, known)]


def test_two_percent_is_allowed_and_more_is_not():
    known = {"a": (100.0, "instructions")}
    assert verdicts({"a": (102.0, "instructions")}, known) == [True]
    assert verdicts({"a": (103.0, "instructions")}, known) == [False]
    assert verdicts({"a": (10.0, "instructions")}, known) == [True]


def test_host_time_is_not_gated():
    assert verdicts({"a": (900.0, "ns")}, {"a": (1.0, "ns")}) == []


def test_a_figure_that_is_gone_fails():
    assert verdicts({}, {"a": (1.0, "lines")}) == [False]


def test_better_depends_on_the_unit():
    assert baseline.is_better(2, 1, "ratio") and baseline.is_better(1, 2, "instructions")


if __name__ == "__main__":
    selftest.main(__name__)
