"""What the page of the cases behind a figure shows: each counted thing, and how it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Kind
from efterhand.web.door.choice import GROUPS, Choice
from efterhand.web.door.figures import FigureWords
from efterhand.web.door.figures_page import FigurePage
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import no_part

PAGE_SIZE: Final = 50
"""Cases on one page."""


@dataclass(frozen=True)
class FigureCases:
    """Puts the page together for one reader."""

    page: FigurePage
    sex: str | None
    may_see_checks: bool
    """Whether the reader may open the worklist, where the story of a case is."""

    @property
    def path(self) -> str:
        """The page's own path."""
        return f"{self.page.path}/underlag"

    def context(self, listed: Reply, reach: Any, *, first: bool) -> dict[str, Any]:
        """Return what the template asks for.

        Args:
            listed: one page of the cases.
            reach: how far the data reaches, in words.
            first: whether it is the first page.
        """
        page, text = self.page, self.page.words.text
        items = listed.body["items"] if listed.answered else []
        dims = [name for name in self._columns() if any(name in self._dims(item) for item in items)]
        following = listed.body["next"] if listed.answered else None
        return {
            "missing": None if listed.answered else self._no_list(listed),
            "name": page.words.name(page.definition),
            "swedish": not page.words.has_name(page.definition),
            "reach": reach,
            "back": page.choice.link(page.path),
            "filters": page.table.filters(self.path),
            "chips": page.table.chips(self.path),
            "sexes": [
                {"name": name, "link": self._link(sex), "chosen": sex == self.sex}
                for sex, name in ((None, text("Alla")), ("female", text("Kvinnor")), ("male", text("Män")))
            ],
            "sex": self.sex,
            "caption": self._caption(listed.body) if listed.answered else None,
            "columns": [page.said.dimension(name) for name in dims],
            "items": [self._item(item, dims) for item in items],
            "explained": self._explained(),
            "pages": {
                "first": None if first else self._link(self.sex),
                "next": None if following is None else self._link(self.sex, cursor=following),
                "size": PAGE_SIZE,
            },
        }

    def asked(self, cursor: str | None) -> dict[str, str]:
        """Return what indicators is asked for."""
        asked = self.page.choice.asked()
        cell = [each for each in (asked.get("cell"), f"sex:{self.sex}" if self.sex else None) if each]
        wanted = {**asked, "cell": ",".join(cell) or None, "cursor": cursor, "limit": str(PAGE_SIZE)}
        return {name: value for name, value in wanted.items() if value}

    def _link(self, sex: str | None, **more: str) -> str:
        return self.page.choice.link(self.path, **({} if sex is None else {"sex": sex}), **more)

    def _no_list(self, reply: Reply) -> str:
        text, words = self.page.words.text, self.page.words
        if reply.status == 410:
            return text("Ärendena kan inte visas: uppgifter om personer från den tiden har gallrats.")
        if reply.status == 400 and reply.body and reply.body.get("code") == "made_of_others":
            known = self.page.catalogue.indicators
            names = ", ".join(words.name(known[each]) for each in reply.body["of"])
            return text("Måttet räknar inget självt. Det är gjort av: %(names)s.", names=names)
        if reply.status == 403:
            return text("Du har bara rätt att se ärenden i dina egna enheter.")
        return no_part(words, reply)

    def _caption(self, body: Mapping[str, Any]) -> str:
        named = {None: "", "female": self.page.words.text("kvinnor"), "male": self.page.words.text("män")}[self.sex]
        return self.page.words.text(
            "%(cell)s, %(start)s till %(end)s",
            cell=", ".join(each for each in (self.page.table.cell_name(), named) if each),
            start=self.page.words.day(body["from"]),
            end=self.page.words.day(body["to"]),
        )

    def _columns(self) -> list[str]:
        definition = self.page.definition
        return list(definition.dimensions) if isinstance(definition, Indicator) else []

    @staticmethod
    def _dims(item: Mapping[str, Any]) -> Mapping[str, str]:
        dims: Mapping[str, str] = item["dims"]
        return dims

    def _item(self, item: Mapping[str, Any], dims: list[str]) -> dict[str, Any]:
        said: FigureWords = self.page.said
        rows = item.get("made_of") or [item]
        cases = {row["case"]: row["link"] for row in rows if row["case"] is not None}
        return {
            "cases": [{"number": number, "link": link, "story": self._story(number)} for number, link in cases.items()],
            "day": self._days(item),
            "dims": [
                {"text": self._dimension(said, name, item["dims"].get(name)), "swedish": name == "unit"}
                for name in dims
            ],
            "counts": self._counts(item),
            "protected": item.get("protected", False),
        }

    def _dimension(self, said: FigureWords, name: str, value: str | None) -> str:
        """Return where a thing is placed; nothing where what it is made of differs."""
        text = said.words.text
        if name == "sex":
            return {"female": text("Kvinna"), "male": text("Man"), "unknown": text("Okänt")}.get(value or "", "")
        return "" if value is None else said.code(self.page.definition, name, value)

    def _story(self, case: str) -> str | None:
        """Return where the checks of a case are listed, each with the story of the case."""
        return Choice(groups=GROUPS, case=case).link() if self.may_see_checks else None

    def _days(self, item: Mapping[str, Any]) -> str:
        text, short = self.page.words.text, self.page.words.short
        if item["until"] in (None, item["day"]):
            return short(item["day"])
        if item["until"] > self.page.choice.at.isoformat():
            return text("från %(start)s", start=short(item["day"]))
        return text("%(start)s till %(end)s", start=short(item["day"]), end=short(item["until"]))

    def _counts(self, item: Mapping[str, Any]) -> dict[str, str]:
        """Return how a thing counts, in words, and the shape that stands beside them."""
        text, definition = self.page.words.text, self.page.definition
        kind = definition.kind if isinstance(definition, Indicator) else None
        if item["expected"] and not item["denominator"]:
            return {"word": text("Utanför: besked saknas"), "shape": "out"}
        if kind is Kind.SHARE:
            if item["numerator"]:
                return {"word": text("Räknas, uppfyller"), "shape": "met"}
            return {"word": text("Räknas, uppfyller inte"), "shape": "not_met"}
        if kind in (Kind.MEAN, Kind.MEDIAN) and item["sum"] is not None:
            value = self.page.words.number(item["sum"])
            return {"word": text("Räknas med %(number)s", number=value), "shape": "met"}
        return {"word": text("Räknas"), "shape": "met"}

    def _explained(self) -> str | None:
        """Return what the words for how a thing counts mean; of what simply counts nothing."""
        text, definition = self.page.words.text, self.page.definition
        if isinstance(definition, Indicator) and definition.covered:
            return text(
                "Uppfyller: villkoret i definitionen gäller. Utanför: skulle följas upp, men besked saknas; räknas inte"
                " i värdet, bara i täckningen."
            )
        is_share = isinstance(definition, Indicator) and definition.kind is Kind.SHARE
        return text("Uppfyller: villkoret i definitionen gäller.") if is_share else None
