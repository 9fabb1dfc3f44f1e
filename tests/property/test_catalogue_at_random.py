"""Random definitions can all be said in words, and a warning is never false: what never counts counts in no history.

EFTERHAND_SEED repeats a run: its number is told by what fails.
"""

import os
import re
from random import SystemRandom

from hypothesis import settings

from efterhand.catalogue.sentences import LANGUAGES, explain
from efterhand.catalogue.warnings import find_warnings
from tests.specs.literally import people
from tests.specs.random_cases import DAYS
from tests.specs.reading import events_of
from tests.specs.two_engines import catalogue_of, days_that_tell, literally, random_case

FIGURES = 4
"""In each random case."""
ODD_TEXT = re.compile(r"None|[{}]|  |\.\.|\[|\]|_on\b| ,|''")
"""What no sentence holds: traces of the code and of parts that are empty."""


def first_seed() -> int:
    """Where a run begins."""
    return int(os.environ.get("EFTERHAND_SEED") or SystemRandom().randrange(10**9))


def test_every_random_definition_reads_as_sentences() -> None:
    begin = first_seed()
    for seed in range(begin, begin + settings().max_examples):
        catalogue = catalogue_of(random_case(seed, FIGURES).written)
        for name in catalogue.indicators:
            for language in LANGUAGES:
                said = explain(catalogue, name, language)
                assert ODD_TEXT.search(said) is None, f"EFTERHAND_SEED={seed} {name}: {said}"
                assert said[0].isupper(), f"EFTERHAND_SEED={seed} {name}: {said}"
                assert said.endswith("."), f"EFTERHAND_SEED={seed} {name}: {said}"


def test_what_is_warned_of_as_never_counting_counts_in_no_random_history() -> None:
    begin = first_seed()
    for seed in range(begin, begin + settings().max_examples):
        case = random_case(seed, FIGURES)
        catalogue = catalogue_of(case.written)
        everybody = people(catalogue, events_of(case.history))
        for warning in find_warnings(catalogue):
            name = warning.subject.removeprefix("indicator ")
            if warning.name not in ("never_counts", "never_in_numerator", "never_reported"):
                continue
            told = f"EFTERHAND_SEED={seed} {warning}\n{case.written.figures[name]}"
            days = days_that_tell(catalogue.indicators[name], catalogue, everybody) or DAYS
            for day in days:
                (sums,) = literally(catalogue, everybody, [(name, day, [])])
                total = sums.get(())
                if total is None:
                    continue
                assert warning.name != "never_counts", told
                if "always 0" in warning.message:
                    assert total.numerator == 0, told
                elif "always 100" in warning.message:
                    assert total.numerator == total.denominator, told
                elif "nothing that counts can fulfil 'reported'" in warning.message:
                    assert total.denominator == 0, told
                elif "everything that counts fulfils 'reported'" in warning.message:
                    assert catalogue.indicators[name].measured is not None or total.denominator == total.expected, told
