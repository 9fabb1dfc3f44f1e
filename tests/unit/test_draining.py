"""Persons are computed some at a time; who cannot be computed is found, and everybody else goes on."""

import threading
from collections.abc import Callable, Collection, Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from efterhand.persons.draining import PERSONS_AT_A_TIME, CannotCompute, Draining, Rounds


class Office:
    """Persons who wait to be computed, and the sizes of the batches that were asked for."""

    def __init__(self, waiting: Collection[str], broken: Collection[str] = ()) -> None:
        self.waiting = list(waiting)
        self.broken = set(broken)
        self.asked: list[int] = []

    def compute(self, limit: int, leave_out: Collection[str]) -> int:
        self.asked.append(limit)
        taken = [person for person in self.waiting if person not in leave_out][:limit]
        if self.broken & set(taken):
            raise CannotCompute(taken) from ValueError("the rules fail")
        self.waiting = [person for person in self.waiting if person not in taken]
        return len(taken)


@pytest.fixture
def failed() -> Gauge:
    """Shows how many persons cannot be computed."""
    return Gauge("failed", "Persons who cannot be computed", registry=CollectorRegistry())


@pytest.fixture
def threads() -> Iterator[Callable[..., Rounds]]:
    """Makes threads, which are stopped at the end."""
    made: list[Rounds] = []

    def make(begin: Callable[[], object], do_round: Callable[[], object], failures: Counter | None = None) -> Rounds:
        made.append(Rounds("test", begin, do_round, poll_seconds=60, failures=failures))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        assert each.stop()


def test_a_person_who_cannot_be_computed_is_left_out_and_everybody_else_is_computed(failed: Gauge) -> None:
    office = Office(["p1", "p2", "p3", "p4"], broken=["p2", "p4"])
    draining = Draining(office.compute, failed)

    while draining.some():
        pass

    assert office.waiting == ["p2", "p4"]
    assert failed.collect()[0].samples[0].value == 2


def test_persons_are_taken_many_at_a_time_again_once_the_one_is_found(failed: Gauge) -> None:
    office = Office(["p1", "p2", "p3"], broken=["p2"])
    draining = Draining(office.compute, failed)

    assert [draining.some(), draining.some(), draining.some()] == [1, 1, 0]

    assert office.asked == [PERSONS_AT_A_TIME, 1, 1, PERSONS_AT_A_TIME, PERSONS_AT_A_TIME]


def test_persons_are_taken_many_at_a_time_again_when_nobody_failed_alone(failed: Gauge) -> None:
    office = Office(["p1", "p2"], broken=["p2"])
    draining = Draining(office.compute, failed)
    assert draining.some() == 1
    office.broken.clear()

    assert [draining.some(), draining.some(), draining.some()] == [1, 0, 0]

    assert office.asked[-1] == PERSONS_AT_A_TIME


def test_what_fails_is_tried_again_and_the_beginning_is_done_once(threads: Callable[..., Rounds]) -> None:
    failures = Counter("failures", "What failed", registry=CollectorRegistry())
    done: list[str] = []
    finished = threading.Event()

    def begin() -> None:
        done.append("begin")
        if len(done) == 1:
            raise RuntimeError("not yet")

    def do_round() -> bool:
        done.append("round")
        if len(done) == 3:
            raise RuntimeError("not now")
        if len(done) == 5:
            finished.set()
        return not finished.is_set()

    threads(begin, do_round, failures)

    assert finished.wait(30)
    assert done == ["begin", "begin", "round", "round", "round"]
    assert failures.collect()[0].samples[0].value == 2


def test_a_thread_with_nothing_to_do_goes_on_when_it_is_told(threads: Callable[..., Rounds]) -> None:
    rounds: list[threading.Event] = [threading.Event(), threading.Event()]
    left = iter(rounds)

    def do_round() -> bool:
        next(left).set()
        return False

    thread = threads(lambda: None, do_round)
    assert rounds[0].wait(30)
    thread.notify()
    assert rounds[1].wait(30)
