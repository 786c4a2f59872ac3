"""Ratios, intervals, verdicts and the sequential rule, on literal launches and on any."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.artifacts import Interval, Launch, Measurement, MetricName, Verdict
from tasks.bench.statistics import (
    StoppingRule,
    adjusted_confidence,
    costs,
    first_look,
    interval_between,
    interval_of,
    launch_ratios,
    ratio_interval,
    student_quantile,
    verdict,
)


def launch(base, head):
    return Launch(first="base", seed=1, base=tuple(base), head=tuple(head))


def of_logs(logs):
    """One launch for each log ratio; base differs from launch to launch, so that no ratio is exact."""
    return [launch([1.0 + number], [(1.0 + number) * math.exp(log)]) for number, log in enumerate(logs)]


def exchanged(launches):
    return [launch(each.head, each.base) for each in launches]


times = st.floats(min_value=1e-9, max_value=1e3)
any_launch = st.integers(1, 9).flatmap(
    lambda pairs: st.builds(launch, *[st.lists(times, min_size=pairs, max_size=pairs)] * 2)
)
some_launches = st.lists(any_launch, min_size=3, max_size=30)


class TestLaunchRatios:
    def test_neighbours_in_time_are_paired(self):
        slow_spell = launch([1.0, 1.0, 1.9, 1.9, 1.9], [0.5, 0.5, 0.95, 0.95, 0.95])
        assert launch_ratios([slow_spell]) == pytest.approx([math.log(0.5)])

    def test_a_drift_cancels_in_abba(self):
        speed = [math.exp(0.01 * slot) for slot in range(8)]
        order = "abbaabba"
        base, head = ([value for value, side in zip(speed, order, strict=True) if side == which] for which in "ab")
        assert launch_ratios([launch(base, head)]) == pytest.approx([0.0], abs=1e-12)

    def test_disturbed_pairs_are_trimmed(self):
        assert launch_ratios([launch([1.0] * 10, [0.9] * 6 + [50.0] * 2 + [1e-3] * 2)]) == pytest.approx(
            [math.log(0.9)]
        )

    @pytest.mark.parametrize(
        ("pairs", "middle"),
        [(1, [0]), (2, [0, 1]), (3, [1]), (4, [1, 2]), (5, [2]), (10, [4, 5]), (20, [8, 9, 10, 11])],
    )
    def test_the_middle_fifth_of_the_pairs_counts(self, pairs, middle):
        heads = [math.exp(number**2 / 100) for number in range(pairs)]
        expected = sum(number**2 / 100 for number in middle) / len(middle)
        assert launch_ratios([launch([1.0] * pairs, heads)]) == pytest.approx([expected])

    def test_surplus_samples_are_dropped(self):
        assert launch_ratios([launch([1.0, 1.0, 9.0], [2.0, 2.0])]) == pytest.approx([math.log(2)])

    def test_zeros(self):
        logs = launch_ratios([launch([0.0], [0.0]), launch([1.0], [0.0]), launch([0.0], [1.0]), launch([], [])])
        assert logs[:3] == [0.0, -math.inf, math.inf]
        assert math.isnan(logs[3])


class TestInterval:
    @pytest.mark.parametrize(
        ("degrees", "confidence", "quantile"),
        # NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
        [
            (1, 0.95, 12.706),
            (1, 0.99, 63.657),
            (2, 0.95, 4.303),
            (2, 0.99, 9.925),
            (3, 0.90, 2.353),
            (4, 0.99, 4.604),
            (5, 0.998, 5.893),
            (9, 0.99, 3.250),
            (10, 0.80, 1.372),
            (29, 0.99, 2.756),
            (30, 0.95, 2.042),
            (100, 0.998, 3.174),
        ],
    )
    def test_quantiles_of_students_distribution(self, degrees, confidence, quantile):
        assert student_quantile(degrees, confidence) == pytest.approx(quantile, abs=6e-4)

    def test_students_t_on_three_launches(self):
        # t(2) at 97.5 % is 4.302653; the logs' mean is 0.2, their standard deviation 0.1.
        interval = ratio_interval(of_logs([0.1, 0.2, 0.3]), 0.95)
        reach = 4.302653 * 0.1 / math.sqrt(3)
        expected = [math.exp(0.2), math.exp(0.2 - reach), math.exp(0.2 + reach)]
        assert [interval.ratio, interval.low, interval.high] == pytest.approx(expected, rel=1e-6)
        assert interval.confidence == 0.95

    def test_from_twelve_launches_on_the_ends_are_trimmed(self):
        # Without the ends 1 to 10; pulled in: two 1 and two 10, standard deviation 3.343922; t(9) at 99.5 % is 3.249836.
        logs = [-0.9, *(number / 1000 for number in range(1, 11)), 0.9]
        interval = ratio_interval(of_logs(logs), 0.99)
        reach = 3.249836 * 0.003343922 * math.sqrt(12) / 10
        assert [interval.ratio, interval.low, interval.high] == pytest.approx(
            [math.exp(0.0055), math.exp(0.0055 - reach), math.exp(0.0055 + reach)], rel=1e-6
        )

    @pytest.mark.parametrize(
        ("base", "head", "ratio"),
        [(100.0, 51.0, 0.51), (7.0, 7.0, 1.0), (0.0, 0.0, 1.0), (5.0, 0.0, 0.0), (0.0, 5.0, math.inf)],
        ids=["less", "equal", "both zero", "head zero", "base zero"],
    )
    def test_a_ratio_without_variation_is_exact(self, base, head, ratio):
        assert ratio_interval([launch([base], [head])] * 2, 0.99) == Interval(
            ratio=ratio, low=ratio, high=ratio, confidence=0.99
        )

    @pytest.mark.parametrize(
        ("launches", "ratio"),
        [
            ([launch([2.0], [1.0])], 0.5),
            ([launch([2.0], [1.0]), launch([2.0], [1.1])], 0.525),
            ([launch([2.0], [1.0]), launch([2.0], [0.0]), launch([2.0], [2.0])], 0.5),
            ([launch([0.0], [1.0]), launch([0.0], [2.0]), launch([0.0], [3.0])], math.inf),
            ([], 1.0),
        ],
        ids=["one launch", "two that differ", "zeros in some", "base always zero", "none"],
    )
    def test_too_few_launches_give_zero_to_infinity(self, launches, ratio):
        interval = ratio_interval(launches, 0.99)
        assert interval == Interval(ratio=ratio, low=0.0, high=math.inf, confidence=0.99)
        assert verdict(interval, 0.01) is Verdict.INCONCLUSIVE

    def test_enormous_ratios_do_not_overflow(self):
        interval = ratio_interval(
            [launch([1e-300], [1e300]), launch([1e-300], [1e-300]), launch([1e300], [1e-300])], 0.99
        )
        assert (interval.low, interval.high) == (0.0, math.inf)

    @given(some_launches, st.floats(min_value=1e-3, max_value=1e3))
    def test_units_do_not_matter(self, launches, unit):
        assume(ratio_interval(launches, 0.99).high < math.inf)
        scaled = [
            launch([value * unit for value in each.base], [value * unit for value in each.head]) for each in launches
        ]
        interval, other = ratio_interval(launches, 0.99), ratio_interval(scaled, 0.99)
        assert [other.ratio, other.low, other.high] == pytest.approx(
            [interval.ratio, interval.low, interval.high], rel=1e-6
        )

    @given(some_launches)
    def test_exchanging_the_sides_inverts_the_interval(self, launches):
        interval, other = ratio_interval(launches, 0.99), ratio_interval(exchanged(launches), 0.99)
        assume(interval.low > 0 and interval.high < math.inf and other.low > 0 and other.high < math.inf)
        assert [1 / other.ratio, 1 / other.high, 1 / other.low] == pytest.approx(
            [interval.ratio, interval.low, interval.high], rel=1e-6
        )

    @given(some_launches, st.floats(0.5, 0.9999), st.floats(0.5, 0.9999))
    def test_more_confidence_is_a_wider_interval(self, launches, one, other):
        inner, outer = (ratio_interval(launches, level) for level in sorted((one, other)))
        assert outer.low <= inner.low <= inner.ratio <= inner.high <= outer.high

    @given(some_launches, st.randoms(use_true_random=False))
    def test_the_order_of_launches_does_not_matter(self, launches, random):
        shuffled = random.sample(launches, len(launches))
        interval, other = ratio_interval(launches, 0.99), ratio_interval(shuffled, 0.99)
        assert [other.ratio, other.low, other.high] == pytest.approx(
            [interval.ratio, interval.low, interval.high], rel=1e-9
        )


class TestVerdict:
    @pytest.mark.parametrize(
        ("low", "high", "expected"),
        [
            (0.90, 0.989, Verdict.IMPROVED),
            (0.98, 0.991, Verdict.INCONCLUSIVE),
            (0.90, 0.99, Verdict.INCONCLUSIVE),
            (0.99, 1.01, Verdict.UNCHANGED),
            (0.995, 1.004, Verdict.UNCHANGED),
            (0.992, 0.998, Verdict.UNCHANGED),
            (0.95, 1.05, Verdict.INCONCLUSIVE),
            (1.005, 1.02, Verdict.INCONCLUSIVE),
            (1.011, 1.02, Verdict.REGRESSED),
            (0.0, 0.0, Verdict.IMPROVED),
            (math.inf, math.inf, Verdict.REGRESSED),
            (0.0, math.inf, Verdict.INCONCLUSIVE),
        ],
    )
    def test_the_position_of_the_interval_decides(self, low, high, expected):
        assert verdict(Interval(ratio=1.0, low=low, high=high, confidence=0.99), 0.01) is expected

    def test_without_a_band_only_a_point_is_unchanged(self):
        bounds = [(1.0, 1.0), (0.9999, 1.0), (0.9, 0.9999), (1.0001, 1.1)]
        verdicts = [verdict(Interval(ratio=1.0, low=low, high=high, confidence=0.99), 0.0) for low, high in bounds]
        assert verdicts == [Verdict.UNCHANGED, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.REGRESSED]

    @given(some_launches)
    def test_exchanging_the_sides_inverts_a_claim(self, launches):
        turned = {Verdict.IMPROVED: Verdict.REGRESSED, Verdict.REGRESSED: Verdict.IMPROVED}
        one, other = (verdict(ratio_interval(each, 0.95), 0.0) for each in (launches, exchanged(launches)))
        assert other is turned.get(one, one)


def measurement(*, looks, planned, stopped, launches=()):
    return Measurement(
        test="t", metric=MetricName.TIME, launches=tuple(launches), looks=looks, planned_looks=planned, stopped=stopped
    )


class TestStoppingRule:
    @pytest.mark.parametrize(
        ("looks", "planned", "stopped", "spent"),
        [
            ((8,), 1, "decided", 1),
            ((3,), 1, "repeats", 1),
            ((), 1, "", 1),
            ((8,), 4, "decided", 1 / 16),
            ((8, 16), 4, "decided", 3 / 16),
            ((8, 16, 24), 4, "decided", 5 / 16),
            ((8, 16, 24, 32), 4, "decided", 7 / 16),
            ((8, 16, 24, 32), 4, "budget", 7 / 16),
            ((5,), 4, "budget", 1),
            ((8, 11), 4, "budget", 15 / 16),
            ((8, 16, 20), 4, "timeout", 12 / 16),
        ],
    )
    def test_looks_share_the_error(self, looks, planned, stopped, spent):
        level = adjusted_confidence(measurement(looks=looks, planned=planned, stopped=stopped), 0.99)
        assert 1 - level == pytest.approx(0.01 * spent)

    @given(st.integers(1, 9))
    def test_all_looks_together_spend_the_whole_error(self, planned):
        levels = [
            adjusted_confidence(measurement(looks=tuple(range(1, k + 1)), planned=planned, stopped="decided"), 0.9)
            for k in range(1, planned + 1)
        ]
        assert sum(1 - level for level in levels) == pytest.approx(0.1)

    def test_a_clear_effect_stops_at_the_first_look_and_at_no_other_number(self):
        launches = of_logs([-0.5 + 0.001 * (number % 3) for number in range(20)])
        rule = StoppingRule((8, 12, 18), 0.99, 0.01)
        assert [number for number in range(1, 21) if rule.decide(launches[:number])] == [8, 12, 18]

    def test_an_undecided_comparison_continues(self):
        logs = [0.0, 0.03, -0.03, 0.02, -0.02, 0.01, -0.01, 0.04, -0.04, 0.02, 0.01, -0.03]
        assert not any(StoppingRule((8, 12), 0.99, 0.01).decide(of_logs(logs)[:number]) for number in (8, 12))

    def test_few_launches_do_not_stop_sampling_even_if_alike(self):
        launches = of_logs([-0.5, -0.5001, -0.5, -0.5002, -0.5, -0.5001, -0.5, -0.5001])
        rule = StoppingRule((6, 8), 0.99, 0.01)
        assert (rule.decide(launches[:6]), rule.decide(launches)) == (False, True)
        assert StoppingRule((6,), 0.99, 0.01).decide(launches[:6])
        assert [first_look(confidence) for confidence in (0.9, 0.95, 0.99, 0.999)] == [5, 6, 8, 11]

    def test_an_exact_ratio_needs_no_more_launches(self):
        assert StoppingRule((2, 6), 0.99, 0.01).decide([launch([4.0], [2.0])] * 2)

    @given(st.lists(st.floats(-0.05, 0.05), min_size=24, max_size=24), st.floats(-0.1, 0.1))
    def test_compare_judges_as_measure_decided(self, noise, effect):
        launches, planned = of_logs([effect + each for each in noise]), (8, 12, 24)
        rule = StoppingRule(planned, 0.99, 0.01)
        look = next((k for k, number in enumerate(planned, 1) if rule.decide(launches[:number])), None)
        stopped = "decided" if look else "budget"
        numbers = planned[: look or len(planned)]
        interval = interval_of(
            measurement(looks=numbers, planned=3, stopped=stopped, launches=launches[: numbers[-1]]), 0.99
        )
        assert (verdict(interval, 0.01) is not Verdict.INCONCLUSIVE) == (look is not None)
        assert interval.confidence == 0.99


class TestCosts:
    @given(some_launches)
    def test_they_have_the_ratio_that_lies_in_the_interval(self, launches):
        """No two figures of a body contradict each other."""
        interval = ratio_interval(launches, 0.99)
        base, head = costs(launches, interval.ratio)
        assert head / base == pytest.approx(interval.ratio)
        assert interval.low * (1 - 1e-9) <= head / base <= interval.high * (1 + 1e-9)

    @given(some_launches)
    def test_they_are_exchanged_with_the_sides(self, launches):
        ratio = ratio_interval(launches, 0.99).ratio
        assert costs(exchanged(launches), 1 / ratio) == pytest.approx(costs(launches, ratio)[::-1])

    def test_their_level_is_that_of_the_samples(self):
        launches = [launch([2.0, 2.0, 9.0], [1.0, 1.0, 1.0]), launch([8.0], [4.0])]
        assert costs(launches, 0.5) == pytest.approx((4.0, 2.0))

    def test_what_does_not_vary_is_itself(self):
        assert costs([launch([1204.0], [603.0])] * 3, 603 / 1204) == (1204.0, 603.0)

    def test_without_a_logarithm_they_are_medians(self):
        launches = [launch([3.0], [0.0]), launch([5.0], [0.0]), launch([5.0], [1.0])]
        assert costs(launches, 0.1) == (5.0, 0.0)
        assert costs(launches[:2], math.inf) == (4.0, 0.0)


@pytest.mark.slow
class TestSimulations:
    """A small part of `python -m benchmarks.coverage_of_intervals`; the bounds lie three standard errors and more away."""

    @pytest.fixture(params=range(9), ids=lambda number: f"world {number}")
    def world(self, request):
        from benchmarks.coverage_of_intervals import WORLDS

        return WORLDS[request.param]

    def test_intervals_hold_as_often_as_they_say(self, world):
        from benchmarks.coverage_of_intervals import coverage

        assert coverage(world, 8, 0.95, 300, seed=2).held > 0.91
        assert coverage(world, 24, 0.95, 200, seed=2).held > 0.90

    def test_identical_code_is_not_called_different(self, world):
        from benchmarks.coverage_of_intervals import sequential

        outcome = sequential(world, 1.0, 200, seed=2)
        assert outcome.claims <= 0.01
        assert outcome.missed <= 0.035

    def test_a_fifth_less_is_an_improvement(self, world):
        from benchmarks.coverage_of_intervals import sequential

        assert sequential(world, 0.8, 100, seed=2).improved > 0.95


def test_all_worlds_are_simulated():
    from benchmarks.coverage_of_intervals import WORLDS

    assert len(WORLDS) == 9


def test_simulated_launches_have_the_requested_effect():
    from benchmarks.coverage_of_intervals import WORLDS

    random = np.random.default_rng(3)
    ratios = launch_ratios(WORLDS[0].launches(random, 50, math.log(0.5)))
    assert np.median(ratios) == pytest.approx(math.log(0.5), abs=0.01)


class TestTwoHeads:
    """Of heads with one base, in launches whose base differs by up to half."""

    def times(self, cost, launches, *, first_seed=0, stopped="budget"):
        base = [1.0 + number % 3 / 4 for number in range(launches)]
        own = [math.exp(0.01 * (number % 2)) for number in range(launches)]
        taken = [
            Launch(first="base", seed=first_seed + number, base=(at_base,), head=(at_base * cost * noise,))
            for number, (at_base, noise) in enumerate(zip(base, own, strict=True))
        ]
        looks = (8, 12) if launches > 8 else (8,)
        return Measurement(
            test="t", metric=MetricName.TIME, launches=taken, looks=looks, planned_looks=2, stopped=stopped
        )

    def test_what_both_share_cancels(self):
        interval = interval_between(self.times(2.0, 12), self.times(3.0, 12), 0.99)
        assert (interval.low, interval.ratio, interval.high) == pytest.approx((1.5, 1.5, 1.5))
        assert interval.confidence == 0.99

    def test_the_level_is_that_of_the_head_that_left_first(self):
        """It left at the first of two looks, which has a quarter of the error; the launches after it do not count."""
        noisy = self.times(1.0, 12)
        steady = noisy.model_copy(
            update={"launches": tuple(each.model_copy(update={"head": each.base}) for each in noisy.launches[:8])}
        )
        left = steady.model_copy(update={"looks": (8,), "stopped": "decided"})
        expected = ratio_interval(of_logs([0.01 * (number % 2) for number in range(8)]), 1 - 0.01 / 4)
        for pair, ratio in (((left, noisy), expected.ratio), ((noisy, left), 1 / expected.ratio)):
            interval = interval_between(*pair, 0.99)
            assert interval.ratio == pytest.approx(ratio)
            assert interval.high / interval.low == pytest.approx(expected.high / expected.low)

    def test_heads_of_other_launches_are_not_compared(self):
        assert interval_between(self.times(2.0, 8), self.times(2.0, 8, first_seed=100), 0.99) is None
