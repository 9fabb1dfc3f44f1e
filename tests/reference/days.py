"""Days: months that clamp, what a working day is, windows, ages. Loops and look-ups, nothing clever."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
ONE_DAY = timedelta(days=1)
SATURDAY, SUNDAY, FRIDAY = 5, 6, 4


def day_of(text: str | date) -> date:
    """A day written YYYY-MM-DD."""
    return text if isinstance(text, date) else date.fromisoformat(text)


def instant_of(text: str) -> datetime:
    """An instant in UTC. Digits finer than the microsecond are cut off."""
    if "." in text:
        whole, rest = text.split(".")
        digits = ""
        while rest and rest[0].isdigit():
            digits, rest = digits + rest[0], rest[1:]
        text = f"{whole}.{(digits + '000000')[:6]}{rest}"
    return datetime.fromisoformat(text).astimezone(UTC)


def stockholm_day(text: str | date) -> date:
    """The day in Stockholm of a stamp; a bare day is already one."""
    if isinstance(text, date):
        return text
    if len(text) == len("YYYY-MM-DD"):
        return day_of(text)
    return instant_of(text).astimezone(STOCKHOLM).date()


def last_of_month(day: date) -> date:
    """The last day of the day's month."""
    while (day + ONE_DAY).month == day.month:
        day += ONE_DAY
    return day


def plus_months(day: date, months: int) -> date:
    """Calendar months, clamped: 31 August + 6 months = 28 (or 29) February. The weekday is ignored."""
    year, month = day.year, day.month
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month == 13:
            year, month = year + 1, 1
        if month == 0:
            year, month = year - 1, 12
    last = last_of_month(date(year, month, 1))
    return date(year, month, min(day.day, last.day))


def plus_days(day: date, days: int) -> date:
    """Days; the start day is day 0, so 1 January 2017 + 90 days is 1 April."""
    return day + days * ONE_DAY


def month_of(day: date) -> str:
    """The calendar month of a day, YYYY-MM."""
    return f"{day.year:04d}-{day.month:02d}"


def first_of_next_month(month: str) -> date:
    """The first day of the month after YYYY-MM."""
    return last_of_month(date.fromisoformat(month + "-01")) + ONE_DAY


def window(end: date, months: int = 12) -> tuple[date, date]:
    """The window of so many months that ends on `end`: first and last day, both in it.

    It is (end - months, end]. An end that is the last day of its month begins on the first day of a month.
    """
    before = plus_months(end, -months)
    if end == last_of_month(end):
        before = last_of_month(before)
    return before + ONE_DAY, end


def age(birth_year: int, day: date) -> int:
    """Age on a day: year of that day less the year of birth."""
    return day.year - birth_year


def band(years: int) -> str | None:
    """The age band; nobody under 13 has one."""
    for name, first, last in (
        ("13-15", 13, 15),
        ("16-19", 16, 19),
        ("20-24", 20, 24),
        ("25-29", 25, 29),
        ("30-54", 30, 54),
        ("55+", 55, 999),
    ):
        if first <= years <= last:
            return name
    return None


def easter(year: int) -> date:
    """Easter Sunday: the first Sunday after the church's full moon on or after 21 March (Gregorian tables)."""
    golden = year % 19
    century = year // 100
    moon = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - golden) // 11))
    full_moon = date(year, 3, 21) + moon * ONE_DAY
    day = full_moon + ONE_DAY
    while day.weekday() != SUNDAY:
        day += ONE_DAY
    return day


def first_weekday(weekday: int, day: date) -> date:
    """The first such weekday on or after the day."""
    while day.weekday() != weekday:
        day += ONE_DAY
    return day


def free_days(year: int) -> dict[date, str]:
    """The public holidays of lag (1989:253), and the three eves, by name."""
    sunday = easter(year)
    free = {
        date(year, 1, 1): "nyårsdagen",
        date(year, 1, 6): "trettondedag jul",
        sunday - 2 * ONE_DAY: "långfredagen",
        sunday: "påskdagen",
        sunday + ONE_DAY: "annandag påsk",
        date(year, 5, 1): "första maj",
        sunday + 39 * ONE_DAY: "Kristi himmelsfärdsdag",
        sunday + 49 * ONE_DAY: "pingstdagen",
        first_weekday(SATURDAY, date(year, 6, 20)): "midsommardagen",
        first_weekday(SATURDAY, date(year, 10, 31)): "alla helgons dag",
        date(year, 12, 25): "juldagen",
        date(year, 12, 26): "annandag jul",
        # not in the law, but nobody is at work
        first_weekday(FRIDAY, date(year, 6, 19)): "midsommarafton",
        date(year, 12, 24): "julafton",
        date(year, 12, 31): "nyårsafton",
    }
    if year >= 2005:  # the law as amended: the national day took the place of Whit Monday
        free[date(year, 6, 6)] = "nationaldagen"
    else:
        free[sunday + 50 * ONE_DAY] = "annandag pingst"
    return free


def is_working_day(day: date) -> bool:
    """Not a Saturday, a Sunday, a public holiday, or one of the three eves."""
    return day.weekday() not in (SATURDAY, SUNDAY) and day not in free_days(day.year)


def plus_working_days(day: date, days: int) -> date:
    """So many working days after the start day, which is not counted itself."""
    while days > 0:
        day += ONE_DAY
        if is_working_day(day):
            days -= 1
    return day


def send_on(moment: date) -> date:
    """What is sent to staff is sent on the first working day on or after its moment."""
    while not is_working_day(moment):
        moment += ONE_DAY
    return moment
