"""The pages of figures: the table, one figure, the cases behind it, and the files; what each says to whom."""

import csv
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import StringIO
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efterhand.catalogue import load_catalogue
from efterhand.catalogue.model import Formula, Operation
from efterhand.web.door.chart import Line, drawing, scale_of
from efterhand.web.door.figures import FigureWords, Notes
from efterhand.web.door.figures_choice import FigureChoice
from efterhand.web.door.figures_page import FigurePage
from efterhand.web.door.figures_table import FigureTable
from efterhand.web.door.reading import Reply
from efterhand.web.door.words import load_words
from efterhand.web.rights import Grant
from efterhand.web.sessions import COOKIE
from tests.services.door_browser import Browser, Open, Outline, open_door, services, text_of
from tests.services.door_upstreams import (
    CATALOGUE,
    TODAY,
    Services,
    a_counted_case,
    a_figure,
    door_tokens,
)

__all__ = ["open_door", "services"]

NBSP = "\N{NO-BREAK SPACE}"
YEAR = "/nyckeltal?at=2017-12-31"
ONE = "/nyckeltal/self_sufficient_6m"
CASES = f"{ONE}/underlag"


def said(page: httpx.Response) -> str:
    """What a reader sees, with plain spaces."""
    assert page.status_code == 200
    return text_of(page).replace(NBSP, " ")


def rows_of(page: httpx.Response) -> list[list[str]]:
    """The rows of a CSV file, as a spreadsheet in its language reads them."""
    assert page.content.startswith(b"\xef\xbb\xbf")
    text = page.content.decode("utf-8-sig")
    return list(csv.reader(StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))


def manager_of_kista(open_door: Open) -> Browser:
    token = door_tokens().issue("manager", grants=[Grant("manager", "jobbtorg-kista")])
    return open_door(cookies={COOKIE: token})


# --- all figures -------------------------------------------------------------------------------------------------


def test_the_table_shows_value_men_women_last_year_target_and_a_judgement_in_a_word_and_a_shape(
    open_door: Open,
) -> None:
    page = open_door().get(YEAR)
    assert (
        "79,75 % 1 292 av 1 620 78,74 % 600 av 762 80,57 % 684 av 849 79,75 % 1 292 av 1 620 78 % uppfylls helt"
    ) in said(page)
    for kind, word in (("met", "uppfylls helt"), ("partly", "uppfylls delvis"), ("not-met", "uppfylls ej")):
        assert re.search(rf'<svg class="shape {kind}"[^>]*aria-hidden="true".*?</svg> {word}', page.text)
    assert "Tolv månader till och med 31 december 2017" in said(page)
    assert "Alla, 31 dec. 2016" in said(page)


def test_figures_with_a_target_come_first_and_the_others_by_what_kind_of_number_they_are(open_door: Open) -> None:
    headings = re.findall(r'<h2 id="\w+">([^<]+)</h2>', open_door().get(YEAR).text)
    assert headings[:4] == ["Med mål för 2017", "Andelar utan mål", "Tider utan mål", "Antal utan mål"]
    assert "Med mål" not in said(open_door().get("/nyckeltal?at=2016-12-31"))


def test_without_a_day_the_table_is_that_of_the_last_month_that_has_ended(open_door: Open, services: Services) -> None:
    open_door().get("/nyckeltal")
    assert [url.params["at"] for url in services.asked if url.path.endswith("/figures")] == ["2017-12-31"]
    services.statuses = {name: {"date": "2018-01-15"} for name in ("intake", "followup", "indicators")}
    services.asked.clear()
    page = open_door().get("/nyckeltal")
    assert [url.params["at"] for url in services.asked if url.path.endswith("/figures")] == ["2017-12-31"]
    assert "januari 2018, pågår" in said(page)


def test_the_whole_table_is_one_question_with_last_year_by_sex(open_door: Open, services: Services) -> None:
    open_door().get(f"{YEAR}&unit=norra&group=resource")
    (asked,) = [url for url in services.asked if "/figures" in url.path]
    assert dict(asked.params) == {
        "at": "2017-12-31", "earlier": "12", "by": "sex", "cell": "unit:norra,target_group:resource",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["at=2017-13-01", "at=yesterday", "at=1066-12-31", "unit=mars", "group=x", "at="])
def test_what_is_said_wrongly_in_the_address_is_as_if_it_were_not_said(
    open_door: Open, services: Services, wrong: str
) -> None:
    assert open_door().get(f"/nyckeltal?{wrong}").status_code == 200
    (asked,) = [url for url in services.asked if "/figures" in url.path]
    assert (asked.params["at"], "cell" in asked.params) == ("2017-12-31", False)


def test_a_day_within_a_month_means_the_whole_month() -> None:
    assert FigureChoice.of({"at": "2016-02-03"}, CATALOGUE, TODAY).at == date(2016, 2, 29)


def test_in_a_unit_nothing_is_judged_and_the_page_says_why(open_door: Open) -> None:
    page = open_door().get(f"{YEAR}&unit=norra")
    assert "Målen gäller alla enheter och målgrupper tillsammans" in said(page)
    assert "uppfylls" not in said(page).split("Så läser du tabellen")[0]
    assert ">Område norra</span>" in page.text
    assert 'href="/nyckeltal?at=2017-12-31">Visa' not in page.text


def test_two_dots_have_a_footnote_that_says_why(open_door: Open, services: Services) -> None:
    page = open_door().get(YEAR)
    notes = re.findall(r'<li id="note-(\d)">([^<]+)</li>', page.text)
    told = {number: sentence.replace(NBSP, " ") for number, sentence in notes}
    assert sorted(told.values()) == [
        "Inget räknas i rutan.",
        "Kan inte fastställas: besked finns om för få av dem som skulle följas upp. Minst 80 % krävs.",
    ]
    assert re.search(r"\.\. fotnot \d täckning 50,0 %", said(page))
    assert page.text.count('<td class="figure none">..<sup><a class="ref" href="#note-') == page.text.count(">..<")
    assert set(re.findall(r'href="#note-(\d)"', page.text)) == told.keys()


def test_a_count_of_nobody_is_0_and_never_two_dots(open_door: Open, services: Services) -> None:
    services.figures = {**services.figures, "unique_persons": [a_figure("7", 7, None)]}
    row = next(row for row in rows_of(open_door().get("/nyckeltal.csv")) if "unique_persons" in row)
    assert row[3:7] == ["7", "0", "0", "7"]
    assert "inskrivna någon dag under perioden 7 0 0 7" in said(open_door().get("/nyckeltal"))


def test_what_was_disposed_of_and_what_is_being_computed_is_two_dots_with_its_reason(
    open_door: Open, services: Services
) -> None:
    gone = a_figure(None, None, None, status="not_available", target="84")
    services.figures = {**services.figures, "self_sufficient_6m": [gone]}
    services.absent = {"closed_12m": "being_computed"}
    page = said(open_door().get(YEAR))
    assert "uppgifter om personer har gallrats" in page
    assert "Visas när allt är omräknat efter en ändring i katalogen." in page


def test_preliminary_and_projected_figures_are_marked_with_words(open_door: Open) -> None:
    assert "Preliminärt: känt till och med 30 november 2017." in said(open_door().get(YEAR))
    ahead = said(open_door().get("/nyckeltal?at=2018-01-31"))
    assert "Prognos: så blir värdet om inget mer händer." in ahead


def test_in_english_everything_is_english_with_decimal_points(open_door: Open) -> None:
    page = said(open_door().get(f"{YEAR}&lang=en"))
    assert "79.75% 1,292 of 1,620" in page
    assert "fully met" in page
    assert "Closed within twelve months of enrolment" in page
    assert "Ordinary target group" in page
    assert "målgrupp" not in page.lower()


def test_every_table_has_a_caption_and_no_merged_cells_and_headings_are_in_order(open_door: Open) -> None:
    for address in (YEAR, f"{ONE}?at=2017-12-31", f"{CASES}?at=2017-12-31"):
        page = open_door().get(address)
        outline = Outline(page.text)
        assert outline.count("caption") == outline.count("table") > 0
        assert outline.levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(outline.levels)), address
        assert "colspan" not in page.text
        assert "rowspan" not in page.text
        assert len(page.content) < 150_000
        assert re.findall(r"<script|<style|style=|onload|onclick", page.text) == []


# --- rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nyckeltal", "/nyckeltal.csv", ONE, f"{ONE}.csv"])
def test_figures_are_shown_to_those_with_the_right_to_figures(open_door: Open, services: Services, path: str) -> None:
    assert open_door(None).get(path).status_code == 401
    for role in ("case_worker", "operator", "source"):
        assert open_door(role).get(path).status_code == 403
    assert services.asked == []
    for role in ("manager", "analyst", "case_analyst", "administrator"):
        assert open_door(role).get(path).status_code == 200


def test_the_cases_are_shown_to_those_with_the_right_to_cases_and_others_are_told_so(
    open_door: Open, services: Services
) -> None:
    assert open_door(None).get(CASES).status_code == 401
    for role in ("manager", "analyst", "case_worker"):
        page = open_door(role).get(CASES)
        assert page.status_code == 403
        assert "Du har inte rätt att se ärendena bakom nyckeltal" in text_of(page)
    assert services.asked == []
    assert open_door("case_analyst").get(CASES).status_code == 200
    assert "Se ärendena bakom värdet" in said(open_door("case_analyst").get(ONE))
    assert "Se ärendena bakom värdet" not in said(open_door("analyst").get(ONE))


def test_a_manager_chooses_among_the_own_units(open_door: Open) -> None:
    page = manager_of_kista(open_door).get(YEAR)
    units = re.search(r'<select name="unit".*?</select>', page.text, re.DOTALL)
    assert units is not None
    assert re.findall(r'<option value="([^"]*)"', units[0]) == ["", "jobbtorg-kista"]


def test_a_cell_outside_the_readers_reach_is_refused_with_a_sentence(open_door: Open, services: Services) -> None:
    services.refuses_cells = True
    for path in (f"{YEAR}&unit=norra", f"{ONE}?unit=norra"):
        assert "Du har rätt till dina egna enheters nyckeltal" in said(manager_of_kista(open_door).get(path))
    assert manager_of_kista(open_door).get("/nyckeltal.csv?unit=norra").status_code == 503


@pytest.mark.parametrize("path", ["/nyckeltal/none", "/nyckeltal/none.csv", "/nyckeltal/none/underlag"])
def test_a_figure_that_does_not_exist_is_not_found(open_door: Open, path: str) -> None:
    assert open_door().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/nyckeltal", ONE, CASES])
def test_with_every_service_away_there_is_a_page_that_says_so(open_door: Open, services: Services, path: str) -> None:
    services.down = {"intake", "followup", "indicators"}
    assert "tjänsten indicators svarar inte just nu" in said(open_door().get(path))


# --- one figure --------------------------------------------------------------------------------------------------


def test_a_figure_says_what_it_means_in_the_catalogues_own_sentences_in_the_pages_language(open_door: Open) -> None:
    assert "Nyckeltalet är andelen ärenden, i procent, där personen inte fick" in said(open_door().get(ONE))
    assert "The figure is the share of cases" in said(open_door().get(f"{ONE}?lang=en"))


def test_a_figure_shows_what_its_value_is_made_of_and_its_coverage_and_target(open_door: Open) -> None:
    page = said(open_door().get(f"{ONE}?at=2017-12-31"))
    assert "Vilka Värde Uppfyller Räknade Skulle följas upp Täckning Alla 75,78 % 945 1 247 1 434 87,0 %" in page
    assert "uppfylls delvis Mål för 2017: 84 %" in page
    assert "Preliminärt: känt till och med 30 november 2017." in page
    assert "Ett högre värde är bättre." in page


def test_the_months_are_one_question_and_stand_in_a_chart_and_in_a_table_beside_it(
    open_door: Open, services: Services
) -> None:
    page = open_door().get(f"{ONE}?at=2017-12-31")
    asked = [dict(url.params) for url in services.asked if url.path.endswith("/series")]
    assert [each for each in asked if each["months"] == "24"] == [{"months": "24", "by": "sex", "at": "2017-12-31"}]
    table = page.text.split('id="months-table"')[1].split("</table>")[0]
    assert table.count('<tr><th scope="row">') == 24
    assert "december 2017<small>preliminärt</small>" in table
    chart = re.search(r'<svg class="chart" .*?</svg>', page.text, re.DOTALL)
    assert chart is not None
    assert 'role="img" aria-labelledby="chart-title chart-text"' in chart[0]
    assert chart[0].count("<circle") == 24
    assert chart[0].count("<rect") == 24
    assert chart[0].count('class="open-point"') == 2


def test_the_lines_and_the_axis_of_the_chart_are_explained_beside_it(open_door: Open) -> None:
    page = said(open_door().get(f"{ONE}?at=2017-12-31"))
    assert "Mål: 84 % för 2017" in page or "Mål: 84 % för 2016, 84 % för 2017" in page
    assert "Ihålig punkt: preliminärt eller prognos" in page
    assert "Alla: 75,78 % i januari 2016, 75,78 % i december 2017." in page
    assert "Den lodräta axeln visar procent." in page


def test_a_figure_without_any_value_has_no_chart_and_a_table_of_footnotes(open_door: Open, services: Services) -> None:
    services.figures = {}
    page = open_door().get(f"{ONE}?at=2017-12-31")
    assert page.status_code == 200
    assert '<svg class="chart"' not in page.text
    assert "Inget räknas i rutan." in said(page)


def test_a_figure_is_broken_down_by_unit_group_age_and_reason_with_names(open_door: Open) -> None:
    page = open_door().get(f"{ONE}?at=2017-12-31")
    tables = page.text.split('id="part-')[1:]
    assert [each.split('"')[0] for each in tables] == ["unit", "target_group", "age_band", "closure_reason"]
    assert 'class="depth-1"' in tables[0]
    assert f'href="{ONE}?at=2017-12-31&amp;unit=norra" lang="sv">Område norra' in tables[0]
    english = said(open_door().get(f"{ONE}?at=2017-12-31&lang=en"))
    assert "Own business" not in english
    assert "By reason of closure Reason of closure All Women Men Coverage Work" in english
    assert "ages 16–19" in english


def test_in_a_cell_the_breakdowns_are_within_it_and_units_beside_it(open_door: Open, services: Services) -> None:
    open_door().get(f"{ONE}?at=2017-12-31&unit=norra&group=resource")
    asked = {url.params["by"]: url.params.get("cell") for url in services.asked if url.params.get("months") == "1"}
    assert asked == {
        "unit,sex": "target_group:resource",
        "age_band,sex": "unit:norra,target_group:resource",
        "closure_reason,sex": "unit:norra,target_group:resource",
    }


def test_the_bridge_leads_from_an_earlier_figure_to_this_one_step_by_step(open_door: Open, services: Services) -> None:
    page = said(open_door().get("/nyckeltal/offer_90d?at=2017-12-31&since=2017-06-30"))
    (asked,) = [url for url in services.asked if url.path.endswith("/bridge")]
    assert dict(asked.params) == {"from": "2017-06-30", "to": "2017-12-31"}
    assert "30 november 2017, som det var känt 30 november 2017 900 690 811 85,1 %" in page
    assert "Rättat sedan dess 3 +2 ±0 85,3 %" in page
    assert "Gick ur perioden 38 −25 ±0 86,0 %" in page
    assert "31 december 2017, som det är känt nu 900 698 811 86,0 %" in page


@pytest.mark.parametrize("since", ["", "2018-06-30", "x"])
def test_a_bridge_that_cannot_be_begins_a_month_before(open_door: Open, services: Services, since: str) -> None:
    open_door().get(f"{ONE}?at=2017-12-31&since={since}")
    assert [url.params["from"] for url in services.asked if url.path.endswith("/bridge")] == ["2017-11-30"]


# --- the cases behind it -----------------------------------------------------------------------------------------


def test_the_cases_are_told_with_how_each_counts_and_links_to_its_story_and_its_system(open_door: Open) -> None:
    page = open_door().get(f"{CASES}?at=2017-12-31")
    text = said(page)
    assert "Utanför: besked saknas" in text
    assert "Räknas, uppfyller inte" in text
    assert 'href="https://flai.example/arende/c-2017-00001" rel="noreferrer"' in page.text
    story = "/uppfoljningar?group=overdue&amp;group=todo&amp;group=waiting&amp;group=done&amp;case=c-2017-00001"
    assert f'<a href="{story}">c-2017-00001</a>' in page.text
    assert "/uppfoljningar?" not in open_door("case_analyst").get(CASES).text
    assert "p-0000" not in page.text


def test_the_cases_come_in_pages_of_one_cell(open_door: Open, services: Services) -> None:
    first = open_door().get(f"{CASES}?at=2017-12-31&unit=norra&sex=female")
    (asked,) = [url for url in services.asked if url.path.endswith("/cases")]
    assert (asked.params["cell"], asked.params["limit"]) == ("unit:norra,sex:female", "50")
    (following,) = re.findall(r'href="([^"]+cursor=50)"', first.text)
    second = open_door().get(following.replace("&amp;", "&"))
    assert "c-2017-00059" in second.text
    assert "Till listans början" in said(second)


@pytest.mark.parametrize(
    ("status", "sentence"), [(410, "har gallrats"), (403, "dina egna enheter"), (503, "svarar inte just nu")]
)
def test_why_there_are_no_cases_is_said(open_door: Open, services: Services, status: int, sentence: str) -> None:
    services.cases_status = status
    assert sentence in said(open_door().get(CASES))


def test_a_person_who_is_counted_once_for_several_cases_is_one_row_with_both(
    open_door: Open, services: Services
) -> None:
    both = [{"subject": f"c-{n}", "case": f"c-{n}", "link": None, "dims": {}, "check": None} for n in (1, 2)]
    services.cases = [
        a_counted_case(
            1, case=None, link=None, made_of=both, until="9999-12-31", dims={"sex": "female"}, protected=True
        )
    ]
    page = said(open_door().get("/nyckeltal/unique_persons/underlag"))
    assert "c-1 c-2 Skyddade uppgifter Räknas från 15 juni 2017" in page


# --- files -------------------------------------------------------------------------------------------------------


def test_the_table_is_a_file_that_a_swedish_spreadsheet_opens(open_door: Open) -> None:
    page = open_door().get("/nyckeltal.csv?at=2017-12-31")
    assert page.headers["content-type"] == "text/csv; charset=utf-8"
    assert page.headers["content-disposition"] == 'attachment; filename="nyckeltal-2017-12-31.csv"'
    rows = rows_of(page)
    assert rows[3][:9] == [
        "Nyckeltal", "Id", "Enhet för värdet", "Värde, alla", "Värde, kvinnor", "Värde, män", "Alla, 31 dec. 2016",
        "Mål", "Bedömning",
    ]  # fmt: skip
    assert rows[4][:12] == [
        "Avslutade inom tolv månader från inskrivning, utom återremitterade", "closed_12m", "procent", "79,75", "78,74",
        "80,57", "79,75", "78", "uppfylls helt", "1292", "600", "684",
    ]  # fmt: skip
    covered = next(row for row in rows if "self_sufficient_6m" in row)
    assert covered[5] == ""
    assert "Preliminärt" in covered[-1]
    assert len(rows) == 4 + len(CATALOGUE.indicators)


def test_in_english_the_file_has_commas_and_decimal_points(open_door: Open) -> None:
    rows = rows_of(open_door().get(f"{ONE}.csv?at=2017-12-31&lang=en"))
    assert rows[4][:5] == ["2017-12-31", "75.78", "73.62", "", "84"]
    assert len(rows) == 4 + 24


def test_no_name_in_a_file_is_taken_for_a_formula(open_door: Open) -> None:
    evil = replace(CATALOGUE.indicators["closed_12m"], name='=HYPERLINK("http://evil")')
    catalogue = replace(CATALOGUE, indicators={**CATALOGUE.indicators, "closed_12m": evil})
    rows = rows_of(open_door(catalogue=catalogue).get("/nyckeltal.csv"))
    assert rows[4][0] == '\'=HYPERLINK("http://evil")'


# --- splits ------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_split_are_rows_of_their_own_below_the_whole() -> None:
    nacka = load_catalogue("nacka")
    rows = [
        a_figure(None, None, 40),
        a_figure("75.0", 30, 40, dims={"reason": "work"}),
        a_figure("25.0", 10, 40, dims={"reason": "studies"}),
        a_figure("60.0", 12, 20, dims={"reason": "work", "sex": "female"}),
    ]
    window = {"from": "2021-01-01", "to": "2021-12-31", "preliminary": False, "projection": False, "rows": rows}
    item = {"indicator": "measure_endings", "as_of": "2021-12-31", "windows": [{**window, "rows": rows[:2]}, window]}
    choice = FigureChoice(date(2021, 12, 31))
    table = FigureTable(load_words()["en"], nacka, choice, choice.at, None)
    told = [(row["part"], *(cell["text"] for cell in row["cells"])) for row in table.rows([item], Notes())]
    assert told == [
        (None, "40", "..", "..", "40"),
        ("Work, also subsidised (extratjänst)", "75.0%", "60.0%", "..", "75.0%"),
        ("Studies that give a right to student aid", "25.0%", "..", "..", ".."),
    ]
    page = FigurePage(
        load_words()["en"], nacka, nacka.indicators["measure_endings"], choice, choice.at, None, may_see_cases=False
    )
    shown = page.context(Reply("indicators", 200, {**item, "windows": [window]}), {}, None, choice.at, [])
    assert [(each["id"], len(each["rows"])) for each in shown["breakdowns"]] == [("reason", 2)]


# --- how values are written --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "of", "written"),
    [
        (Operation.DIFFERENCE, "closed_12m", "1,50 procentenheter"),
        (Operation.DIFFERENCE, "unique_persons", "1,50"),
        (Operation.RATIO, "closed_12m", "1,50"),
        (Operation.STANDARDISE, "closed_12m", f"1,50{NBSP}%"),
        (Operation.MEAN_OF, "youth_duration", "1,50 månader"),
    ],
)
def test_a_figure_made_of_others_is_written_in_their_unit(operation: Operation, of: str, written: str) -> None:
    made = Formula(
        id="made", name="m", english="m", operation=operation, of=of, to=None, to_average=False, times=Decimal(1),
        over=(), between=None, decimals=2, targets={}, better="higher",
    )  # fmt: skip
    assert FigureWords(load_words()["sv"], CATALOGUE).value(made, "1.50") == written


# --- the chart ---------------------------------------------------------------------------------------------------

NUMBERS = st.decimals(-10_000, 10_000, places=2)


@given(values=st.lists(NUMBERS, min_size=1, max_size=40))
def test_every_value_lies_on_the_axis_and_a_greater_one_never_lower(values: list[Decimal]) -> None:
    scale = scale_of(values)
    assert scale.lowest <= min(values)
    assert max(values) <= scale.highest
    assert 2 <= len(scale.ticks) <= 9
    assert scale.ticks[-1] == scale.highest
    heights = [scale.height_of(value) for value in sorted(values)]
    assert all(after <= before for before, after in pairwise(heights))


@given(values=st.lists(NUMBERS | st.none(), min_size=1, max_size=24))
def test_every_value_is_a_point_and_a_line_never_crosses_a_month_without_one(values: list[Decimal | None]) -> None:
    drawn = drawing([Line("all", values)], [str(number) for number in range(len(values))], str)
    (line,) = drawn["lines"]
    known = [value for value in values if value is not None]
    assert len(line["points"]) == len(known)
    joined = sum(path.count("L") for path in line["paths"])
    assert joined == sum(a is not None and b is not None for a, b in pairwise(values))
    assert drawn["columns"][-1]["name"] == str(len(values) - 1)


def test_the_line_of_a_target_goes_in_steps_by_the_year() -> None:
    targets = [None, Decimal(80), Decimal(80), Decimal(84), Decimal(84), None]
    drawn = drawing([Line("target", targets)], list("abcdef"), str)
    (line,) = drawn["lines"]
    assert len(line["paths"]) == 2
    assert line["points"] == []


def test_an_axis_begins_at_zero_where_the_values_are_not_far_from_it() -> None:
    assert scale_of([Decimal(0), Decimal(30)]).lowest == 0
    assert scale_of([Decimal(70), Decimal(84)]).lowest == 70
    assert scale_of([Decimal(-3), Decimal(2)]).lowest < 0
    assert scale_of([]).ticks[0] == 0
