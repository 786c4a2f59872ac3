"""What a timed block of calls says about its time: whether the core was taken, and for how long."""

from dataclasses import dataclass

PREEMPTED = 0.01
"""Share of a block's time that another process may take unnoticed."""
SAME_IDLE = 0.05
"""Difference of two shares of time without work that counts as none."""
ELSEWHERE = 0.02
"""Share of a block's CPU time that other threads and child processes may use."""


@dataclass(frozen=True, slots=True)
class Block:
    """A timed block of `calls` calls: nanoseconds, on the clock that all processes share, and context switches."""

    calls: int
    wall: int
    waited: int | None
    """In which the calling thread was ready to run and waited for a core; None if the system does not report it."""
    misread: bool
    """Whether the core may have been taken between the clock and the readings of `waited` next to it."""
    cpu: int
    elsewhere: int
    """CPU time of other threads and of child processes."""
    others_waited: int | None
    """What other threads waited for a core; None if children, or threads that ended in the block, did work."""
    outliving: int
    """How many more child processes ran afterwards, or 1 if the system does not report what they do."""
    began: int
    ended: int
    voluntary: int
    involuntary: int

    @property
    def elapsed(self) -> float:
        """Seconds, with setup and teardown."""
        return (self.ended - self.began) / 1e9

    @property
    def is_shared(self) -> bool:
        """Return whether other threads or child processes did part of the work."""
        return self.elsewhere > ELSEWHERE * self.cpu

    @property
    def own(self) -> int:
        """Nanoseconds of the calls without those in which the calling thread waited for a core."""
        return self.wall - (self.waited or 0)

    @property
    def seconds(self) -> float:
        """Seconds of one call, without waiting for a core."""
        return self.own / self.calls / 1e9

    @property
    def is_explained(self) -> bool:
        """Return whether `own` is the time of the calls on a free core."""
        return self.waited is not None and not self.is_shared and not self.misread and self.own > 0

    @property
    def idle(self) -> float:
        """Return the share of the time in which neither the calls nor their child processes used a core."""
        return max(0.0, 1 - self.cpu / self.wall)

    @property
    def was_preempted(self) -> bool:
        """Return whether another process took the core, for more than PREEMPTED of the time."""
        idle = self.wall - self.cpu
        if self.waited is not None and self.others_waited is not None:
            # Who waits for a lock or for data does not wait for a core.
            idle = min(idle, self.waited + self.others_waited)
        return self.involuntary > 0 and idle > PREEMPTED * self.wall
