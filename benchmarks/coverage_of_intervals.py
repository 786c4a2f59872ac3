"""How often intervals hold, and how often identical code is called different, on simulated noise of real machines.

`python -m benchmarks.coverage_of_intervals [--comparisons 1000] [--seed 1]`

Simulated launches with a known true ratio go through `tasks.bench.statistics` as measured ones do. Nothing is timed:
the same seed prints the same tables. Three tables: coverage of the interval at fixed numbers of launches; the
sequential rule on identical code, next to the same rule without sharing its error; and the true effects found.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.artifacts import Launch, Measurement, MetricName, Verdict
from tasks.bench.statistics import StoppingRule, control_of, interval_of, ratio_interval, verdict
from tasks.bench.time.timing import schedule

BLOCK_SECONDS = 0.003
TURNS = 60
LOOKS = schedule(20.0, ratios=[1.0]).looks
"""As planned for the default budget."""
CONFIDENCE, NEGLIGIBLE = 0.99, 0.01
SLOW = math.log(1.9)
PLAIN = dict(Launch.model_construct(first="base", seed=0))
"""What all launches have alike: finding out the defaults for each takes a third of a simulation."""
LONGEST = math.log(1000.0)
"""No block is disturbed to more than a thousand times its length."""

Generator = np.random.Generator
Array = np.typing.NDArray[np.float64]
Disturbance = Callable[[Generator, Array], Array]
"""Returns the log of what the machine adds to each block, from the blocks' times in seconds."""
Bias = Callable[[Generator], float]
"""Returns the log of how much one process differs from another of the same code."""


@dataclass(frozen=True)
class World:
    """One kind of noise: `blocks` within a launch, `bias` between processes."""

    name: str
    blocks: Disturbance
    bias: Bias

    def launch(self, random: Generator, effect: float) -> Launch:
        """Draw a launch of three sides, in a random order that is reversed every turn; `effect` is ln(head/base)."""
        order = random.permutation(3)
        sides = np.tile([*order, *order[::-1]], TURNS // 2)
        blocks = len(sides)
        logs = np.minimum(self.blocks(random, BLOCK_SECONDS * np.arange(float(blocks))), LONGEST) + random.normal(
            0, 0.01, blocks
        )
        logs += np.array([self.bias(random), effect + self.bias(random), self.bias(random)])[sides]
        base, head, control = (tuple(np.exp(logs[sides == side])) for side in range(3))
        return Launch.model_construct(**{**PLAIN, "base": base, "head": head, "control": control})

    def launches(self, random: Generator, number: int, effect: float) -> list[Launch]:
        return [self.launch(random, effect) for _ in range(number)]


def quiet(random: Generator, times: Array) -> Array:  # noqa: ARG001 - all disturbances have the same signature
    return np.zeros_like(times)


def heavy_tails(random: Generator, times: Array) -> Array:
    return np.asarray(0.02 * np.abs(random.standard_t(1.5, len(times))))


def drift(random: Generator, times: Array) -> Array:
    """Return another speed for every launch, which changes within it."""
    return np.asarray(random.normal(0, 0.3) + random.normal(0, 0.3) * times / times[-1])


def two_speeds(random: Generator, times: Array, dwell: float = 1.0) -> Array:
    """Flip between two speeds, for `dwell` seconds on average."""
    flips = np.cumsum(random.exponential(dwell, int(4 * times[-1] / dwell) + 16))
    return np.asarray(SLOW * ((np.searchsorted(flips, times) + random.integers(2)) % 2))


def fast_flips(random: Generator, times: Array) -> Array:
    return two_speeds(random, times, 0.02)


def normal_bias(deviation: float) -> Bias:
    return lambda random: float(random.normal(0, deviation))


def two_layouts(random: Generator) -> float:
    """Draw one of two memory layouts, one 4 % slower than the other."""
    return 0.04 * float(random.integers(2))


def stray_processes(random: Generator) -> float:
    """Draw a process that is disturbed for its whole life in one of ten cases."""
    return float(random.normal(0, 0.15 if random.random() < 0.1 else 0.01))


WORLDS = (
    World("quiet, processes differ by 0.5 %", quiet, normal_bias(0.005)),
    World("processes differ by 2 %", quiet, normal_bias(0.02)),
    World("processes differ by 5 %", quiet, normal_bias(0.05)),
    World("heavy tails", heavy_tails, normal_bias(0.01)),
    World("drift between and within launches", drift, normal_bias(0.01)),
    World("two speeds (1.9), for seconds", two_speeds, normal_bias(0.01)),
    World("two speeds, for 20 ms", fast_flips, normal_bias(0.01)),
    World("two memory layouts (4 %)", quiet, two_layouts),
    World("one process of ten disturbed", quiet, stray_processes),
)


@dataclass(frozen=True)
class Coverage:
    held: float
    half_width: float


def coverage(world: World, number: int, confidence: float, comparisons: int, seed: int) -> Coverage:
    """Return the share of intervals that hold the true ratio, 0.9, and their median relative half-width."""
    random, truth = np.random.default_rng([seed, WORLDS.index(world), number]), 0.9
    intervals = [
        ratio_interval(world.launches(random, number, math.log(truth)), confidence) for _ in range(comparisons)
    ]
    held = float(np.mean([each.low <= truth <= each.high for each in intervals]))
    return Coverage(held, float(np.median([(each.high - each.low) / 2 / each.ratio for each in intervals])))


@dataclass(frozen=True)
class Outcome:
    """Shares of sequential comparisons by result, and their mean number of launches."""

    claims: float
    missed: float
    improved: float
    unchanged: float
    launches: float


def sequential(world: World, ratio: float, comparisons: int, seed: int, *, shared: bool = True) -> Outcome:
    """Compare until the rule stops; `shared=False` treats every look as the only one, as many tools do."""
    random, outcomes = np.random.default_rng([seed, WORLDS.index(world)]), []
    for _ in range(comparisons):
        measurement = measured(world.launches(random, LOOKS[-1], math.log(ratio)), shared=shared)
        interval = interval_of(measurement, CONFIDENCE)
        judged = verdict(interval, NEGLIGIBLE, control_of(measurement, CONFIDENCE))
        outcomes.append((judged, interval.low <= ratio <= interval.high, len(measurement.launches)))
    verdicts = [each for each, _, _ in outcomes]
    return Outcome(
        claims=share(each in {Verdict.IMPROVED, Verdict.REGRESSED} for each in verdicts),
        missed=share(not held for _, held, _ in outcomes),
        improved=share(each is Verdict.IMPROVED for each in verdicts),
        unchanged=share(each is Verdict.UNCHANGED for each in verdicts),
        launches=float(np.mean([number for _, _, number in outcomes])),
    )


def measured(launches: Sequence[Launch], *, shared: bool) -> Measurement:
    """Take launches until the rule stops, and record the looks as a measurement does."""
    for index, number in enumerate(LOOKS, 1):
        planned = LOOKS if shared else (number,)
        if StoppingRule(planned, CONFIDENCE, NEGLIGIBLE).decide(launches[:number]) or number == LOOKS[-1]:
            return Measurement.model_construct(
                test="simulated",
                metric=MetricName.TIME,
                launches=tuple(launches[:number]),
                looks=LOOKS[:index] if shared else (number,),
                planned_looks=len(planned),
                stopped="budget" if number == LOOKS[-1] else "decided",
            )
    raise AssertionError(LOOKS)


def share(outcomes: Iterable[bool]) -> float:
    return float(np.mean(list(outcomes)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{arguments.comparisons} comparisons each, {TURNS} turns a launch, seed {arguments.seed}\n")
    _print_coverage(arguments.comparisons, arguments.seed)
    _print_identical(arguments.comparisons, arguments.seed)
    _print_effects(arguments.comparisons, arguments.seed)


def _print_coverage(comparisons: int, seed: int) -> None:
    print("Intervals that hold the truth, in per cent (median half-width)\n")
    columns = [(number, confidence) for confidence in (0.95, 0.99) for number in (6, 8, 12, 24)]
    _row("noise", [f"{confidence:.0%} n={number}" for number, confidence in columns])
    for world in WORLDS:
        cells = [coverage(world, number, confidence, comparisons, seed) for number, confidence in columns]
        _row(world.name, [f"{each.held * 100:.1f} ({each.half_width * 100:.1f})" for each in cells])


def _print_identical(comparisons: int, seed: int) -> None:
    print(f"\nIdentical code, looks at {LOOKS} launches, {CONFIDENCE:.0%}, negligible {NEGLIGIBLE:.0%}, in per cent\n")
    _row("noise", ["claims", "1 left out", "unchanged", "launches", "not shared:", "1 left out"])
    for world in WORLDS:
        rule, naive = (sequential(world, 1.0, comparisons, seed, shared=shared) for shared in (True, False))
        shares = [f"{value * 100:.1f}" for value in (rule.claims, rule.missed, rule.unchanged)]
        _row(world.name, [*shares, f"{rule.launches:.0f}", f"{naive.claims * 100:.1f}", f"{naive.missed * 100:.1f}"])


def _print_effects(comparisons: int, seed: int) -> None:
    print("\nTrue effects found as improved, in per cent (mean launches)\n")
    ratios = (0.98, 0.95, 0.8)
    _row("noise", [f"{(ratio - 1) * 100:+.0f} %" for ratio in ratios])
    for world in WORLDS:
        cells = [sequential(world, ratio, comparisons, seed) for ratio in ratios]
        _row(world.name, [f"{each.improved * 100:.1f} ({each.launches:.0f})" for each in cells])


def _row(name: str, cells: Sequence[str]) -> None:
    print(f"{name:36}" + "".join(f"{cell:>13}" for cell in cells))


if __name__ == "__main__":
    main()
