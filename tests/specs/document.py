"""Writes `docs/catalogue.md` from the specs: `python -m tests.specs.document > docs/catalogue.md`."""

import re
import sys
from collections.abc import Iterator
from textwrap import fill
from typing import Final

from efterhand.catalogue import load_catalogue
from efterhand.catalogue.factkinds import FactKind, fact_kinds
from efterhand.catalogue.loader import BUILT_IN
from efterhand.catalogue.model import SUMMED_AFTER_DAYS
from efterhand.catalogue.sentences import explain
from tests.specs.constructs import constructs_of, every_construct
from tests.specs.reading import DEFAULTS, Asked, Spec, specs
from tests.tiny import definitions

_HEAD: Final = """\
# The catalogue: how a figure is defined

For those who define figures, and need no program for it. This page is written from the specs in `tests/specs/`: every
example on it is run by the tests, on the database and by plain reading of the definition, and both must tell what
stands here. After a change: `python -m tests.specs.document > docs/catalogue.md`.

## Where it is

A catalogue is a directory with text files (YAML). `codelists.yaml` holds the codes, `units.yaml` the units and what
lies under what from which day, `protocols.yaml` what is followed up, `indicators.yaml` the figures, and `facts.yaml`,
if it is there, facts that are derived from others. A mistake is refused when the catalogue is read, with the file, the
line and the nearest right word; nothing is counted by half a catalogue.

A code is written with its Swedish name, `work: Arbete`, or with an English one beside it, `work: {{name: Arbete,
english: Work}}`. English pages and sentences say the English name, and the Swedish one where there is none. What a code
is called decides no figure.

## How to read the examples

An example is a definition, a short history and what the figure then tells. A line of a history is a day, a person, what
happened, and fields of the event; what is left out is:

{defaults}

For a month of the assistance register the month stands in the day's place. What is told of a figure reads `value
(numerator/denominator of expected)`, of a mean or median `value (sum/number of things)`, of a count or a formula the
value alone; of the whole of a split `in all (denominator)`. `all` is the total. The names in Swedish are those that the
pages show.

## The facts

What can be counted and looked up are a person's *facts*. These are the kinds, with their columns;
`shared/efterhand/catalogue/facts.yaml` says what each column is.

{facts}
"""

_PROTOCOLS: Final = """\
## What is followed up

`protocols.yaml` says which checks there are. A protocol makes one check for each case or measure that it follows.
Conditions, day phrases and look-ups are written as in the definitions of figures. `efterhand catalogue check DIR` tries
the test persons that a protocol carries, and `efterhand catalogue explain ID` says it in words.

| key | what it says |
|---|---|
| `name`, `english` | what it is called |
| `feed` | `cases`, `answers` or `assistance`: only as far as it is known can something be missing |
| `after` | what it follows: `fact` (`case` or `measure`), its `day` (the *anchor*), for whom (`where`, with `find`) |
| `due` | the day by which it should be done: a day phrase from `anchor` |
| `met_by` | look-ups with `first`: the earliest of what they find meets the check |
| `answered_by` | instead: the reply of staff (`first: reply.answered_on`), or the register's month (`at: assistance`) |
| `cancelled_by` | look-ups with `first` that cancel it; on one day meeting and answers come first |
| `gives_up` | `day` and `as`: when it is `missed` or `expired` if nothing has settled it and the feed is known so far |
| `flag` | `green`, `yellow` or `red`, shown while it is overdue |
| `tell` | reminders: `day`, so many days from `due`, and `who`: `worker` (without one, the unit) or `manager` |
| `none_once_closed` | `true`: nobody is reminded once the case is closed |
| `summed_after_days` | a reminder more days old than this when the anchor came in is put in a list; default {summed} |
| `tests` | test persons: `events`, the day `on` which the check is looked at, and what is to `expect` |

Two of Stockholm's, as they stand in the product:

{examples}"""

WIDTH: Final = 118

CHAPTERS: Final = {
    "What is counted, and when": "`counts`, `day`, `during`, `window`, `as_of`, `once_per`, `first_per`, `by`.",
    "Conditions": (
        "`where` says who counts, `unless` who leaves, `reported` of whom it is known, `share` who is in the numerator:"
        " all of them are conditions."
    ),
    "Day phrases": "Wherever a day is asked for, a day phrase can stand.",
    "Look-ups": "What else is known of the same person.",
    "Shares of what goes on": "`share` beside `during`.",
    "Means, medians and splits": "`mean`, `median`, `split`.",
    "Figures made of figures": "Formulas stand among the indicators, and name others.",
    "Facts that the catalogue derives": "`facts.yaml`.",
    "How it is shown": "What changes nothing that is counted.",
}


def document() -> str:
    """Return the page."""
    return "\n".join([_head(), *_chapters(), _protocols(), *_words()]).rstrip() + "\n"


def _head() -> str:
    defaults = "\n".join(
        f"- `{kind}`: {', '.join(f'{name} `{value}`' for name, value in fields.items())}"
        for kind, fields in DEFAULTS.items()
    )
    facts = "\n".join(
        f"| `{kind.name}` | {_when(kind)} | {', '.join(f'`{name}`' for name in kind.columns)} |"
        for kind in fact_kinds().values()
        if kind.has_table
    )
    return _HEAD.format(defaults=defaults, facts=f"| fact | when | columns |\n|---|---|---|\n{facts}")


def _when(kind: FactKind) -> str:
    if kind.shape == "month":
        return f"the month `{kind.day}`"
    if kind.day is None:
        return "one a person"
    return f"the day `{kind.day}`" if kind.ends is None else f"from `{kind.day}` to `{kind.ends}`"


def _chapters() -> Iterator[str]:
    for chapter, about in CHAPTERS.items():
        yield f"## {chapter}\n\n{about}\n"
        for spec in specs():
            if spec.chapter == chapter and spec.shown:
                yield from _spec(spec)


def _spec(spec: Spec) -> Iterator[str]:
    yield f"### {spec.title}\n"
    yield f"{fill(spec.text, WIDTH, break_on_hyphens=False, break_long_words=False)}\n"
    yield f"```yaml\n{spec.definition.rstrip()}\n```\n"
    if spec.facts is not None:
        yield f"With, in `facts.yaml`:\n\n```yaml\n{spec.facts.rstrip()}\n```\n"
    yield "\n".join(["```text", *spec.history, "```\n"])
    yield "| figure | on | tells |\n|---|---|---|"
    yield from (f"| `{asked.figure}` | {asked.at} | {_told(asked)} |" for asked in spec.ask)
    yield ""


def _told(asked: Asked) -> str:
    told = "; ".join(f"{dims.replace(',', ', ')}: {cell}" for dims, cell in asked.cells.items())
    if "judgement" in asked.rest:
        told += f"; held against the target: {asked.rest['judgement']}"
    if "preliminary" in asked.rest:
        told += f"; {'' if asked.rest['preliminary'] else 'no longer '}preliminary on {asked.today}"
    return told


def _protocols() -> str:
    stockholm = BUILT_IN / "stockholm"
    catalogue = load_catalogue(str(stockholm))
    written = definitions(stockholm / "protocols.yaml")
    shown = (
        f"```yaml\n{written[name].rstrip()}\n```\n\n{_quoted(explain(catalogue, name, 'en', protocol=True))}\n"
        for name in ("plan_5d", "assistance_7m")
    )
    return _PROTOCOLS.format(summed=SUMMED_AFTER_DAYS, examples="\n".join(shown))


def _quoted(text: str) -> str:
    return fill(text, WIDTH, initial_indent="> ", subsequent_indent="> ", break_on_hyphens=False)


def _words() -> Iterator[str]:
    yield "## Every word, and where it is shown\n"
    yield "| | |\n|---|---|"
    shown = [(spec, constructs_of(spec.figures, spec.derived)) for spec in specs() if spec.shown]
    for construct in sorted(every_construct()):
        where = [f"[{spec.title}](#{_anchor(spec.title)})" for spec, used in shown if construct in used]
        yield f"| {construct} | {'; '.join(where[:2])} |"


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.stdout.write(document())
