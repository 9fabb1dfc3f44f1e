"""What a reader has chosen of the worklist; it is all in the address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

GROUPS: Final = ("overdue", "todo", "waiting", "done")
OPEN_GROUPS: Final = GROUPS[:3]
FIRST_GROUPS: Final = GROUPS[:2]
"""What is listed when nothing is chosen: what somebody has to do now."""
SORTS: Final = ("due", "-due", "case")
LATE: Final = ("week", "month", "longer")
MISSED: Final = ("month", "year")
WHYS: Final = ("too_late", "closed_first", "tried", "no_report", "nothing")

_LONGEST: Final = 100
_LONGEST_NOTICE: Final = 300


@dataclass(frozen=True)
class Choice:
    """Filters, order and page. Nothing chosen: what somebody has to do now, the earliest due first.

    Attributes:
        nobodys: only cases without a worker.
        late: for how long what is listed has been overdue.
        missed: since when it was missed; then groups choose nothing.
        why: it was missed.
        notice: a catch-up notice that lists it; then groups choose nothing.
    """

    groups: tuple[str, ...] = ()
    unit: str | None = None
    protocol: str | None = None
    case: str | None = None
    mine: bool = False
    sort: str = SORTS[0]
    cursor: str | None = None
    worker: str | None = None
    nobodys: bool = False
    late: str | None = None
    missed: str | None = None
    why: str | None = None
    notice: str | None = None

    @classmethod
    def of(cls, query: Iterable[tuple[str, str]]) -> "Choice":
        """Read an address's query; what it says wrongly is as if it said nothing."""
        pairs = [(name, value.strip()) for name, value in query]
        said: Mapping[str, str] = dict(pairs)
        groups = {value for name, value in pairs if name == "group"}
        missed = said.get("missed") if said.get("missed") in MISSED else None
        return cls(
            groups=tuple(group for group in GROUPS if group in groups),
            unit=said.get("unit") or None,
            protocol=said.get("protocol") or None,
            case=said.get("case", "")[:_LONGEST] or None,
            mine=said.get("mine") == "1",
            sort=said["sort"] if said.get("sort") in SORTS else SORTS[0],
            cursor=said.get("cursor") or None,
            worker=said.get("worker", "")[:_LONGEST] or None,
            nobodys=said.get("nobodys") == "1",
            late=said["late"] if said.get("late") in LATE and missed is None else None,
            missed=missed,
            why=said.get("why") if missed and said.get("why") in WHYS else None,
            notice=said.get("notice", "")[:_LONGEST_NOTICE] or None,
        )

    @classmethod
    def of_query(cls, query: str) -> "Choice":
        """Read a query that a form has carried along."""
        return cls.of(parse_qsl(query))

    @property
    def listed(self) -> tuple[str, ...]:
        """The groups that are listed."""
        return self.groups or FIRST_GROUPS

    @property
    def narrowed(self) -> bool:
        """Whether anything but groups, order and page is chosen."""
        chosen = (self.unit, self.protocol, self.case, self.mine, self.worker, self.nobodys, self.late)
        return any(chosen) or self.in_any_group

    @property
    def in_any_group(self) -> bool:
        """Whether something else than groups says what is listed."""
        return bool(self.missed or self.notice)

    def but(self, **changes: Any) -> "Choice":
        """Return the choice with something else chosen; another choice begins on its first page."""
        return replace(self, **{"cursor": None, **changes})

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values of the address."""
        pairs = [("group", group) for group in self.groups]
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name != "groups" and value not in (each.default, None):
                pairs.append((each.name, "1" if value is True else value))
        return pairs

    def query(self) -> str:
        """Return the query of the address."""
        return urlencode(self.pairs())

    def link(self, **said: str) -> str:
        """Return the address of the list, with something said besides."""
        query = urlencode([*self.pairs(), *said.items()])
        return f"/uppfoljningar?{query}" if query else "/uppfoljningar"

    def asked(self, limit: int) -> dict[str, str]:
        """Return what followup is asked for."""
        wanted = {
            "group": ",".join(self.listed),
            "unit": self.unit,
            "protocol": self.protocol,
            "case": self.case,
            "mine": "true" if self.mine else None,
            "worker": self.worker,
            "nobodys": "true" if self.nobodys else None,
            "late": self.late,
            "missed": self.missed,
            "why": self.why,
            "list": self.notice,
            "sort": self.sort,
            "cursor": self.cursor,
            "limit": str(limit),
        }
        return {name: value for name, value in wanted.items() if value is not None}
