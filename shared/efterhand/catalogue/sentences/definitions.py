"""A protocol, an indicator or a formula as a short paragraph for somebody who decides about it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from efterhand.catalogue.conditions import ALWAYS, Column, Verb
from efterhand.catalogue.model import (
    DAYS_IN,
    SUMMED_AFTER_DAYS,
    Between,
    Bucket,
    Catalogue,
    Derivation,
    DerivedFact,
    Difference,
    Evidence,
    EvidenceWhen,
    Formula,
    Indicator,
    Kind,
    Measured,
    Operation,
    Protocol,
    Recipient,
)
from efterhand.catalogue.phrases import Phrase
from efterhand.catalogue.sentences.language import Language, sentence
from efterhand.catalogue.sentences.speech import Here, Speech

Definition = Indicator | Formula | Protocol
LANGUAGES: Final[tuple[Language, ...]] = ("sv", "en")

_DIMENSIONS: Final = {
    "sex": ("kön", "sex"),
    "unit": ("enhet", "unit"),
    "target_group": ("målgrupp", "target group"),
    "age_band": ("åldersgrupp", "age band"),
    "closure_reason": ("avslutsorsak", "reason of closure"),
}
_MEMBERS: Final = {"female": ("kvinnor", "women"), "male": ("män", "men")}
_FEEDS: Final = {
    "cases": ("ärendeuppgifterna", "the case reports"),
    "assistance": ("uppgifterna om försörjningsstöd", "the reports on assistance"),
    "answers": ("svaren på uppföljningarna", "the answers to checks"),
}
_FLAGS: Final = {"green": ("grön", "green"), "yellow": ("gul", "yellow"), "red": ("röd", "red")}


def is_defined(catalogue: Catalogue, definition_id: str) -> bool:
    """Tell whether a catalogue defines a protocol, an indicator or a formula of that id."""
    return (
        definition_id in catalogue.indicators
        or definition_id in catalogue.formulas
        or definition_id in catalogue.protocols
    )


def explain(catalogue: Catalogue, definition_id: str, language: Language, *, protocol: bool | None = None) -> str:
    """Return a definition as a short paragraph.

    Args:
        catalogue: where it is defined.
        definition_id: of a protocol, an indicator or a formula.
        language: sv or en.
        protocol: whether the protocol (True) or the figure (False) is meant where both have the id; None: the figure.

    Raises:
        KeyError: there is none of that id.
    """
    if protocol is not True and definition_id in catalogue.indicators:
        return " ".join(sentences_of(catalogue, catalogue.indicators[definition_id], language))
    if protocol is not True and definition_id in catalogue.formulas:
        return " ".join(sentences_of(catalogue, catalogue.formulas[definition_id], language))
    if protocol is False:
        raise KeyError(definition_id)
    return " ".join(sentences_of(catalogue, catalogue.protocols[definition_id], language))


def sentences_of(catalogue: Catalogue, definition: Definition, language: Language) -> list[str]:
    """Return what is said of a definition, sentence by sentence."""
    speech = Speech(catalogue, language)
    match definition:
        case Indicator():
            texts = _indicator(definition, speech)
        case Formula():
            texts = _formula(definition, speech)
        case Protocol():
            texts = _protocol(definition, speech)
    return [sentence(text) for text in texts]


def reminders_of(catalogue: Catalogue, protocol: Protocol, language: Language) -> list[str]:
    """Return what is said of a protocol's reminders, sentence by sentence."""
    texts = _reminders(protocol, Speech(catalogue, language))
    return [sentence(text) for text in texts]


def fact_in_words(catalogue: Catalogue, derived: DerivedFact, language: Language) -> str:
    """Return how a catalogue derives a fact."""
    return sentence(_derived_fact(derived, Speech(catalogue, language)))


# Indicators


def _indicator(indicator: Indicator, speech: Speech) -> list[str]:
    kind = speech.catalogue.facts[indicator.counts]
    days = {"day": speech.say("mätdagen", "the measuring day")}
    here = Here(kind, days, indicator.finds, speech.say("räknade", "counted"))
    return [
        _what(indicator, here, speech),
        *_when(indicator, here, speech),
        *_looked_up(here, speech, speech.fact(kind.name).one),
        *_derived_facts(indicator, here, speech),
        *_who(indicator, here, speech),
        *_coverage(indicator, here, speech),
        *_breakdowns(indicator, here, speech),
        *_shown(indicator.decimals, indicator.targets, indicator.better, _unit_of(indicator, speech), speech),
        _feed(indicator, speech),
    ]


def _what(indicator: Indicator, here: Here, speech: Speech) -> str:
    say, words = speech.say, speech.fact(here.kind.name)
    many = words.many
    match indicator.kind:
        case Kind.SHARE if indicator.evidence is not None:
            return _share_of_served(indicator, indicator.evidence, here, speech)
        case Kind.SHARE if indicator.share is not None:
            share = speech.clause(indicator.share, here)
            return say(
                f"Nyckeltalet är andelen {many}, i procent, där {share}",
                f"The figure is the share of {many}, in per cent, where {share}",
            )
        case Kind.PERSONS:
            inside = [say(*_DIMENSIONS[name]) for name in indicator.once_per[1:]]
            each = speech.tongue.both(inside)
            once = say(
                f"varje person räknas en gång{' per ' + each if inside else ''}",
                f"every person is counted once{' per ' + each if inside else ''}",
            )
            one = speech.tongue.at_least_one(words.one)
            return say(
                f"Nyckeltalet är antalet personer med {one} som räknas; {once}",
                f"The figure is the number of persons with {one} that counts; {once}",
            )
        case Kind.MEAN | Kind.MEDIAN if indicator.measured is not None:
            measured = _measured(indicator.measured, here, speech)
            name = (
                say("Nyckeltalet är medelvärdet", "The figure is the mean")
                if indicator.kind is Kind.MEAN
                else say("Nyckeltalet är medianen", "The figure is the median")
            )
            return say(f"{name} av {measured} för {many}", f"{name} of {measured}, over {many}")
        case Kind.SPLIT if indicator.measured is not None:
            return _split(indicator.measured, indicator.buckets, many, here, speech)
        case _:
            return say(f"Nyckeltalet är antalet {many}", f"The figure is the number of {many}")


def _share_of_served(indicator: Indicator, evidence: Evidence, here: Here, speech: Speech) -> str:
    say = speech.say
    within = evidence.when is EvidenceWhen.WITHIN
    when = (
        say("under perioden", "in the period")
        if within
        else say("senast på periodens sista dag", "by the last day of the period")
    )
    many = say("personer", "persons") if indicator.once_per else speech.fact(here.kind.name).many
    share = say(f"Nyckeltalet är andelen {many}, i procent,", f"The figure is the share of {many}, in per cent,")
    of = speech.tongue.at_least_one(speech.fact(here.kind.name).one)
    everybody = (
        say(f", av alla personer med {of} som räknas", f", of all persons with {of} that counts")
        if indicator.once_per
        else ""
    )
    if evidence.fact is None:
        falls = say(
            f"{speech.day(evidence.day, here)} infaller {when}", f"{speech.day(evidence.day, here)} falls {when}"
        )
        more = "" if evidence.where == ALWAYS else f" {say('och', 'and')} {speech.clause(evidence.where, here)}"
        return f"{share} {say('där', 'where')} {falls}{more}{everybody}"
    inside = here.inside(speech.catalogue.facts[evidence.fact])
    words = speech.fact(evidence.fact)
    plain = not evidence.day.count and evidence.day.edge is None and not evidence.day.row
    column = words.columns.get(evidence.day.column) if plain else None
    one = (column.happening if column is not None else None) or words.forms
    same = "".join(f" {speech.shared(words.columns[name])}" for name in evidence.same)
    more = "" if evidence.where == ALWAYS else f" {say('där', 'where')} {speech.clause(evidence.where, inside)}"
    least = speech.tongue.at_least_one(one[0])
    if plain:
        return f"{share} {say('med', 'with')} {least}{same} {when}{more}{everybody}"
    falls = say(
        f"där {speech.day(evidence.day, inside)} infaller {when}",
        f"where {speech.day(evidence.day, inside)} falls {when}",
    )
    also = more.replace(say(" där ", " where "), say(" och ", " and "), 1)
    return f"{share} {say('med', 'with')} {least}{same} {falls}{also}{everybody}"


def _measured(measured: Measured, here: Here, speech: Speech) -> str:
    say = speech.say
    match measured:
        case Column():
            return speech.noun(measured, here)
        case Difference(of, less):
            return f"{speech.noun(of, here)} minus {speech.noun(less, here)}"
        case Between(begins, ends, unit):
            units, first, last = speech.tongue.units(unit), speech.day(begins, here), speech.day(ends, here)
            span = say(f"antalet {units} från {first} till {last}", f"the number of {units} from {first} to {last}")
            if unit == "days":
                return span
            length = speech.tongue.digits(DAYS_IN[unit])
            return f"{span} {say(f'(dagarna delade med {length})', f'(the days divided by {length})')}"


def _split(measured: Measured, buckets: Sequence[Bucket], many: str, here: Here, speech: Speech) -> str:
    say = speech.say
    if not buckets and isinstance(measured, Column):
        by = speech.bare(measured, here)
        return say(
            f"Nyckeltalet visar hur {many} fördelar sig på {by}, i procent av alla",
            f"The figure shows how {many} divide by {by}, in per cent of all",
        )
    number = _measured(measured, here, speech)
    parts = speech.tongue.both([f"{speech.tongue.quoted(each.name)} ({_bucket(each, speech)})" for each in buckets])
    return say(
        f"Nyckeltalet visar hur {many} fördelar sig efter {number}, i procent av alla, på {parts}",
        f"The figure shows how {many} divide by {number}, in per cent of all, into {parts}",
    )


def _bucket(bucket: Bucket, speech: Speech) -> str:
    if bucket.unknown:
        return speech.say("okänt", "unknown")
    bounds = []
    if bucket.lower is not None:
        lower = speech.tongue.digits(bucket.lower)
        bounds.append(speech.say(*(("mer än", "more than") if bucket.lower_open else ("från", "from"))) + f" {lower}")
    if bucket.upper is not None:
        upper = speech.tongue.digits(bucket.upper)
        if bucket.upper_open:
            bounds.append(f"{speech.say('mindre än', 'less than')} {upper}")
        else:
            bounds.append(f"{speech.say('till' if bounds else 'högst', 'to' if bounds else 'at most')} {upper}")
    if bucket.lower is not None and bucket.upper is None and not bucket.lower_open:
        return f"{speech.say('minst', 'at least')} {speech.tongue.digits(bucket.lower)}"
    return " ".join(bounds) if not bucket.upper_open else speech.tongue.both(bounds)


def _when(indicator: Indicator, here: Here, speech: Speech) -> list[str]:
    say, words = speech.say, speech.fact(here.kind.name)
    one = sentence(words.one).removesuffix(".")
    months = speech.tongue.time(indicator.window_months, "months")
    if indicator.window_months == 1:
        period = say("den månad som slutar på rapportdagen", "the month that ends on the report day")
    else:
        period = say(f"de {months} som slutar på rapportdagen", f"the {months} that end on the report day")
    if indicator.during is not None:
        begins, ends = (speech.day(phrase, here) for phrase in indicator.during)
        window = say(f"någon dag under perioden, {period},", f"on some day of the period, {period},")
        window = window if indicator.window_months else say("på rapportdagen,", "on the report day,")
        neuter = words.one.startswith("ett ")
        return [
            say(
                f"{one} räknas om {'det' if neuter else 'den'} pågår {window} räknat från och med {begins}"
                f" till och med {ends} (saknas den dagen pågår {'det' if neuter else 'den'} ännu)",
                f"{one} counts if it is under way {window} from {begins} up to and including {ends}"
                f" (where that day is missing, it still is)",
            )
        ]
    if indicator.day is None:
        return []
    lies = say(f"ligger i perioden, {period}", f"lies in the period, {period}")
    lies = lies if indicator.window_months else say("är rapportdagen", "is the report day")
    falls = speech.on(indicator.day, here)
    texts = [
        say(
            f"Mätdagen infaller {falls}; {words.one} räknas när mätdagen {lies}",
            f"The measuring day falls {falls}; {words.one} counts when its measuring day {lies}",
        )
    ]
    if indicator.first_per_person:
        neuter = words.one.startswith("ett ")
        texts.append(
            say(
                f"Har en person flera i samma period räknas bara {'det' if neuter else 'den'} första",
                "Where a person has several in the same period, only the first counts",
            )
        )
    return texts


def _looked_up(here: Here, speech: Speech, one: str) -> list[str]:
    """Say what belongs to each counted thing: its finds, in order."""
    texts = []
    finds = dict(here.finds)
    each = one.partition(" ")[2]
    for name, find in finds.items():
        label, found = speech.label(name, here), speech.found(find, here)
        called = "" if label is None else speech.say(f", här kallat {label}", f", here called {label}")
        if find.verb.gives_value:
            texts.append(
                speech.say(
                    f"För varje {each} beräknas {found}{called}", f"For every {each}, {found} is worked out{called}"
                )
            )
        elif find.verb is Verb.THE and not find.same:
            continue
        else:
            texts.append(
                speech.say(f"Till varje {each} hör {found}{called}", f"To every {each} belongs {found}{called}")
            )
    return texts


def _derived_facts(indicator: Indicator, here: Here, speech: Speech) -> list[str]:
    named = [here.kind.name, *(find.fact for find in here.finds.values())]
    named += [indicator.evidence.fact] if indicator.evidence is not None and indicator.evidence.fact else []
    derived = speech.catalogue.derived
    return [_derived_fact(derived[name], speech) for name in dict.fromkeys(named) if name in derived]


def _derived_fact(derived: DerivedFact, speech: Speech) -> str:
    """Say how a catalogue derives a fact."""
    say, source = speech.say, speech.fact(derived.source)
    one = speech.fact(derived.kind.name).one
    per = ""
    if derived.per is not None:
        per = f" {speech.shared(source.columns[derived.per])}"
    if derived.derivation is Derivation.REACHES:
        totals = speech.tongue.both([speech.tongue.digits(total) for total in derived.totals])
        return say(
            f"Med {one} menas att personen har nått ett visst antal {source.many}{per}: {totals}",
            f"By {one} is meant that the person has reached a number of {source.many}{per}: {totals}",
        )
    if derived.gap_days is None:
        return say(
            f"Med {one} menas tiden från början av den första till slutet av den sista av personens {source.many}{per}",
            f"By {one} is meant the time from the beginning of the first to the end of the last of the person's"
            f" {source.many}{per}",
        )
    gap = speech.tongue.time(derived.gap_days, "days")
    return say(
        f"Med {one} menas en sammanhängande tid med {source.many}{per}, där högst {gap} skiljer den ena från den andra",
        f"By {one} is meant a continuous time with {source.many}{per} that lie at most {gap} apart",
    )


def _who(indicator: Indicator, here: Here, speech: Speech) -> list[str]:
    say, words = speech.say, speech.fact(here.kind.name)
    texts = []
    if indicator.where != ALWAYS:
        where = speech.clause(indicator.where, here)
        texts.append(say(f"Bara {words.many} där {where} räknas med", f"Only {words.many} where {where} count"))
    if indicator.unless is not None:
        unless = speech.clause(indicator.unless, here)
        one = sentence(words.one).removesuffix(".")
        texts.append(say(f"{one} räknas inte alls om {unless}", f"{one} does not count at all if {unless}"))
    if indicator.kind is Kind.SHARE and indicator.once_per:
        texts.append(say("Varje person räknas en gång", "Every person is counted once"))
    return texts


def _coverage(indicator: Indicator, here: Here, speech: Speech) -> list[str]:
    if indicator.reported is None:
        return []
    say, words = speech.say, speech.fact(here.kind.name)
    reported = speech.clause(indicator.reported, here)
    texts = [
        say(
            f"Nämnaren är de {words.many} som är rapporterade, det vill säga där {reported}",
            f"The denominator is the {words.many} that are reported, that is, where {reported}",
        )
    ]
    if indicator.coverage_minimum:
        percent = speech.tongue.digits(indicator.coverage_minimum)
        texts.append(
            say(
                f"Är mindre än {percent} procent rapporterat visas inget värde",
                f"Where less than {percent} per cent is reported, no value is shown",
            )
        )
    return texts


def _breakdowns(indicator: Indicator, here: Here, speech: Speech) -> list[str]:
    say = speech.say
    names = [say(*_DIMENSIONS[name]) for name in indicator.dimensions if name in _DIMENSIONS]
    names += [speech.bare(column, here) for column in indicator.by]
    texts = [
        say(
            f"Det kan delas upp efter {speech.tongue.both(names)}",
            f"It can be broken down by {speech.tongue.both(names)}",
        )
    ]
    if indicator.during is not None:
        texts.append(
            say(
                "Enhet, målgrupp och ålder prövas för varje dag för sig",
                "Unit, target group and age are judged for each day by itself",
            )
        )
    elif not speech.catalogue.facts[indicator.counts].columns.keys().isdisjoint(("case_id",)):
        on = speech.on(indicator.as_of, here)
        texts.append(
            say(f"Enhet, målgrupp och ålder är de som gäller {on}", f"Unit, target group and age are those {on}")
        )
    return texts


def _shown(decimals: int, targets: Mapping[int, Decimal], better: str, unit: str, speech: Speech) -> list[str]:
    say = speech.say
    if decimals:
        word = say("decimal" if decimals == 1 else "decimaler", "decimal" if decimals == 1 else "decimals")
        texts = [say("Det visas med ", "It is shown with ") + f"{speech.tongue.number(decimals)} {word}"]
    else:
        texts = [say("Det visas utan decimaler", "It is shown without decimals")]
    least = say("minst", "at least") if better == "higher" else say("högst", "at most")
    texts += [
        say(
            f"Mål för {year}: {least} {speech.tongue.digits(goal)}{unit}",
            f"Target for {year}: {least} {speech.tongue.digits(goal)}{unit}",
        )
        for year, goal in sorted(targets.items())
    ]
    if better == "lower" and not targets:
        texts.append(say("Ett lägre värde är bättre", "A lower value is better"))
    return texts


def _unit_of(indicator: Indicator, speech: Speech) -> str:
    """Return the unit of an indicator's values with a space before it."""
    if indicator.kind in (Kind.SHARE, Kind.SPLIT):
        return speech.say(" procent", " per cent")
    return f" {speech.tongue.units(indicator.measured.unit)}" if isinstance(indicator.measured, Between) else ""


def _feed(indicator: Indicator, speech: Speech) -> str:
    feed = speech.say(*_FEEDS[indicator.feed])
    last = speech.say("periodens sista dag", "the last day of the period")
    if indicator.settles is not None:
        last = speech.say(
            f"{speech.tongue.time(indicator.settles.count, indicator.settles.unit)} efter {last}",
            f"{speech.tongue.time(indicator.settles.count, indicator.settles.unit)} after {last}",
        )
    return speech.say(
        f"Värdet är preliminärt tills {feed} har kommit in till och med {last}",
        f"The value is preliminary until {feed} have come in up to and including {last}",
    )


# Formulas


def _formula(formula: Formula, speech: Speech) -> list[str]:
    return [_made_of(formula, speech), *_shown(formula.decimals, formula.targets, formula.better, "", speech)]


def _made_of(formula: Formula, speech: Speech) -> str:
    say = speech.say
    of = _figure(formula.of, speech)
    over = speech.tongue.both([_dimension(name, formula.of, speech) for name in formula.over])
    match formula.operation:
        case Operation.RATIO:
            to = _figure(formula.to or "", speech)
            if formula.to_average:
                to = say(
                    f"medelvärdet av {to} vid slutet av periodens månader",
                    f"the mean of {to} at the ends of the months of the period",
                )
            times = (
                ""
                if formula.times == 1
                else say(
                    f", gånger {speech.tongue.digits(formula.times)}", f", times {speech.tongue.digits(formula.times)}"
                )
            )
            return say(f"Nyckeltalet är {of} delat med {to}{times}", f"The figure is {of} divided by {to}{times}")
        case Operation.DIFFERENCE:
            dimension, first, second = formula.between or ("", "", "")
            one, other = (_member(dimension, value, formula.of, speech) for value in (first, second))
            return say(
                f"Nyckeltalet är {of} för {one} minus {of} för {other}",
                f"The figure is {of} for {one} minus {of} for {other}",
            )
        case Operation.STANDARDISE:
            return say(
                f"Nyckeltalet är {of} som det vore om {over} fördelade sig lika överallt: värdet i varje grupp vägs med"
                " gruppens andel av alla",
                f"The figure is {of} as it would be if {over} were the same everywhere: the value in each group is"
                " weighed by the group's share of all",
            )
        case Operation.MEAN_OF:
            return say(
                f"Nyckeltalet är det enkla medelvärdet av {of} över {over}, där varje grupp väger lika",
                f"The figure is the plain mean of {of} over {over}, every group weighing the same",
            )
        case Operation.AVERAGE_OF:
            return say(
                f"Nyckeltalet är medelvärdet av {of} vid slutet av periodens månader",
                f"The figure is the mean of {of} at the ends of the months of the period",
            )


def _figure(indicator_id: str, speech: Speech) -> str:
    indicator = speech.catalogue.indicators[indicator_id]
    return speech.tongue.quoted(speech.say(indicator.name, indicator.english))


def _dimension(name: str, indicator_id: str, speech: Speech) -> str:
    if name in _DIMENSIONS:
        return speech.say(*_DIMENSIONS[name])
    indicator = speech.catalogue.indicators[indicator_id]
    for column in indicator.by:
        if name in (column.name, column.row, str(column)):
            return speech.bare(column, Here(speech.catalogue.facts[indicator.counts], {}, indicator.finds, ""))
    return speech.tongue.quoted(name)


def _member(dimension: str, value: str, indicator_id: str, speech: Speech) -> str:
    if dimension == "sex" and value in _MEMBERS:
        return speech.say(*_MEMBERS[value])
    if dimension == "unit" and value in speech.catalogue.units.units:
        return speech.tongue.quoted(speech.catalogue.units.units[value].name)
    for name in (f"{dimension}s", "reasons" if dimension == "closure_reason" else ""):
        if value in speech.catalogue.codelists.get(name, {}):
            return speech.tongue.quoted(speech.code(name, value))
    return f"{_dimension(dimension, indicator_id, speech)} {speech.tongue.quoted(value)}"


# Protocols


def _protocol(protocol: Protocol, speech: Speech) -> list[str]:
    say = speech.say
    kind = speech.catalogue.facts[protocol.subject_fact]
    days = {
        "anchor": f"{kind.name}.{protocol.anchor}",
        "due": say("förfallodagen", "the due date"),
        "gives_up": say("dagen då den ges upp", "the day on which it is given up"),
    }
    here = Here(kind, days, protocol.finds, say("uppföljda", "followed"))
    words = speech.fact(kind.name)
    each = words.one.partition(" ")[2]
    anchor = speech.day(Phrase("anchor"), here)
    where = ""
    if protocol.where != ALWAYS:
        where = f" {say('där', 'where')} {speech.clause(protocol.where, here)}"
    texts = [
        say(
            f"För varje {each}{where} görs en uppföljning efter {anchor}",
            f"For every {each}{where}, a check follows {anchor}",
        )
    ]
    texts += _looked_up(here, speech, words.one)
    texts.append(say(f"Den förfaller {speech.on(protocol.due, here)}", f"It is due {speech.on(protocol.due, here)}"))
    for finds, swedish, english in (
        (protocol.met_by, "Den uppfylls", "It is met"),
        (protocol.answered_by, "Den besvaras", "It is answered"),
        (protocol.cancelled_by, "Den ställs in", "It is cancelled"),
    ):
        if finds:
            settling = [speech.settling(find, here) for find in finds]
            word = say("genom" if finds is protocol.answered_by else "av", "by")
            texts.append(f"{say(swedish, english)} {_alternatives([f'{word} {each}' for each in settling], speech)}")
    texts += _giving_up(protocol, here, speech)
    return [*texts, *_reminders(protocol, speech)]


def _alternatives(texts: Sequence[str], speech: Speech) -> str:
    if len(texts) == 1:
        return texts[0]
    return f"{'; '.join(texts[:-1])}; {speech.say('eller', 'or')} {texts[-1]}"


def _giving_up(protocol: Protocol, here: Here, speech: Speech) -> list[str]:
    say = speech.say
    if protocol.gives_up is None:
        flag = say(*_FLAGS[protocol.flag]) if protocol.flag else None
        if flag is None:
            return [say("Annars är den försenad efter förfallodagen", "Otherwise it is overdue after the due date")]
        return [
            say(
                f"Till dess är den försenad efter förfallodagen och visas med {flag} flagga",
                f"Until then it is overdue after the due date and is shown with a {flag} flag",
            )
        ]
    outcome = (
        say("missad", "missed")
        if protocol.gives_up_as == "missed"
        else say("utgången utan svar", "expired without an answer")
    )
    day, feed = speech.on(protocol.gives_up, here), say(*_FEEDS[protocol.feed])
    texts = [
        say(
            f"Annars räknas den som {outcome} {day}, när {feed} har kommit in till och med den dagen",
            f"Otherwise it counts as {outcome} {day}, once {feed} have come in up to and including that day",
        )
    ]
    if protocol.flag:
        flag = say(*_FLAGS[protocol.flag])
        texts.append(say(f"Medan den är försenad visas {flag} flagga", f"While it is overdue, a {flag} flag is shown"))
    return texts


def _reminders(protocol: Protocol, speech: Speech) -> list[str]:
    say, steps = speech.say, protocol.steps
    if not steps:
        return [say("Inga påminnelser skickas", "No reminders are sent")]
    people = {
        Recipient.WORKER: say("handläggaren", "the case worker"),
        Recipient.MANAGER: say("chefen", "the manager"),
    }
    told = []
    for recipient, name in people.items():
        offsets = [step.offset_days for step in steps if step.to is recipient]
        days = [_step(offset, speech, first=not number) for number, offset in enumerate(offsets)]
        if days:
            told.append(f"{say('till', 'to')} {name} {speech.tongue.both(days)}")
    reminders = f", {say('och', 'and')} ".join(told)
    texts = [say(f"Påminnelse ges {reminders}", f"A reminder goes {reminders}")]
    if protocol.none_once_closed:
        texts.append(say("När ärendet är avslutat ges inga påminnelser", "Once the case is closed there are none"))
    if protocol.summed_after_days != SUMMED_AFTER_DAYS:
        limit = speech.tongue.time(protocol.summed_after_days, "days")
        texts.append(
            say(
                f"Det som skulle ha sagts mer än {limit} innan händelsen kom in samlas i en lista till chefen",
                f"What should have been said more than {limit} before the event came is put in a list for the manager",
            )
        )
    return texts


def _step(offset: int, speech: Speech, *, first: bool) -> str:
    say = speech.say
    if not offset:
        return say("på förfallodagen", "on the due date") if first else say("på själva dagen", "on the day itself")
    days = say("en dag", "one day") if abs(offset) == 1 else f"{abs(offset)} {say('dagar', 'days')}"
    way = say("före", "before") if offset < 0 else say("efter", "after")
    return f"{days} {way} {say('förfallodagen', 'the due date') if first else say('den', 'it')}"
