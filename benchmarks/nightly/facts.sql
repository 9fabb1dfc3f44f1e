-- From the raw events to facts. Runs on PostgreSQL and on DuckDB.
-- Of several events that set one fact, the greatest (time, source, id) holds; what is retracted is not there.
-- Persons who are erased are deleted from the events when the erasure comes: here as in the product.

CREATE TEMPORARY TABLE retracted AS
SELECT DISTINCT person, source, retracts_id AS id
FROM event
WHERE type = 'event.retracted' AND retracts_source = source;

CREATE TEMPORARY VIEW live AS
SELECT *
FROM event
WHERE type <> 'event.retracted'
  AND NOT EXISTS (
      SELECT 1 FROM retracted
      WHERE retracted.person = event.person AND retracted.source = event.source AND retracted.id = event.id
  );

CREATE TEMPORARY TABLE enrolment AS
SELECT DISTINCT ON (person, case_id)
    person, case_id, on_day AS enrolled_on, unit, target_group, sex, birth_year, assistance, assistance_since, contact,
    time, source, id
FROM live
WHERE type = 'case.enrolled'
ORDER BY person, case_id, time DESC, source DESC, id DESC;

CREATE TEMPORARY TABLE human AS
SELECT DISTINCT ON (person) person, sex, birth_year
FROM enrolment
ORDER BY person, time DESC, source DESC, id DESC;

CREATE TEMPORARY TABLE closure AS
SELECT DISTINCT ON (person, case_id) person, case_id, on_day AS closed_on, reason
FROM live
WHERE type = 'case.closed'
ORDER BY person, case_id, time DESC, source DESC, id DESC;

-- A closure dated before the enrolment is ignored.
CREATE TEMPORARY TABLE cases AS
SELECT
    enrolment.person, enrolment.case_id, enrolment.enrolled_on, closure.closed_on, closure.reason,
    enrolment.assistance, enrolment.assistance_since, human.sex, human.birth_year
FROM enrolment
JOIN human ON human.person = enrolment.person
LEFT JOIN closure
    ON closure.person = enrolment.person AND closure.case_id = enrolment.case_id
    AND closure.closed_on >= enrolment.enrolled_on;

-- Each attribute has its own winner on a day.
CREATE TEMPORARY TABLE transfer AS
WITH moved AS (
    SELECT DISTINCT ON (person, case_id, on_day) person, case_id, on_day, unit
    FROM live
    WHERE type = 'case.transferred' AND unit IS NOT NULL
    ORDER BY person, case_id, on_day, time DESC, source DESC, id DESC
),
regrouped AS (
    SELECT DISTINCT ON (person, case_id, on_day) person, case_id, on_day, target_group
    FROM live
    WHERE type = 'case.transferred' AND target_group IS NOT NULL
    ORDER BY person, case_id, on_day, time DESC, source DESC, id DESC
)
SELECT
    coalesce(moved.person, regrouped.person) AS person, coalesce(moved.case_id, regrouped.case_id) AS case_id,
    coalesce(moved.on_day, regrouped.on_day) AS on_day, moved.unit, regrouped.target_group
FROM moved
FULL JOIN regrouped
    ON regrouped.person = moved.person AND regrouped.case_id = moved.case_id AND regrouped.on_day = moved.on_day;

-- What the enrolment says holds from the beginning of time, so that a day before the enrolment finds it too.
CREATE TEMPORARY TABLE stay AS
WITH said AS (
    SELECT person, case_id, DATE '0001-01-01' AS from_on, unit, target_group FROM enrolment
    UNION ALL
    SELECT transfer.person, transfer.case_id, transfer.on_day, transfer.unit, transfer.target_group
    FROM transfer
    JOIN enrolment ON enrolment.person = transfer.person AND enrolment.case_id = transfer.case_id
    WHERE transfer.on_day >= enrolment.enrolled_on
),
counted AS (
    SELECT
        *,
        count(unit) OVER earlier AS unit_number,
        count(target_group) OVER earlier AS group_number,
        lead(from_on) OVER earlier AS next_on
    FROM said
    WINDOW earlier AS (PARTITION BY person, case_id ORDER BY from_on)
)
SELECT
    person, case_id, from_on, coalesce(next_on - 1, DATE '9999-12-31') AS until_on,
    max(unit) OVER (PARTITION BY person, case_id, unit_number) AS unit,
    max(target_group) OVER (PARTITION BY person, case_id, group_number) AS target_group
FROM counted;

CREATE TEMPORARY TABLE measure AS
WITH started AS (
    SELECT DISTINCT ON (person, measure_id) person, measure_id, case_id, on_day AS started_on, kind, provider, funder
    FROM live
    WHERE type = 'measure.started'
    ORDER BY person, measure_id, time DESC, source DESC, id DESC
),
ended AS (
    SELECT DISTINCT ON (person, measure_id) person, measure_id, on_day AS ended_on, result
    FROM live
    WHERE type = 'measure.ended'
    ORDER BY person, measure_id, time DESC, source DESC, id DESC
)
SELECT
    started.person, started.measure_id, started.case_id, started.kind, started.provider, started.funder,
    started.started_on, ended.ended_on, ended.result, cases.sex,
    CASE
        WHEN ended.ended_on IS NOT NULL THEN ended.ended_on
        WHEN cases.closed_on IS NOT NULL THEN greatest(cases.closed_on, started.started_on)
    END AS last_on
FROM started
JOIN cases ON cases.person = started.person AND cases.case_id = started.case_id
LEFT JOIN ended
    ON ended.person = started.person AND ended.measure_id = started.measure_id
    AND ended.ended_on >= started.started_on;

CREATE TEMPORARY TABLE month AS
SELECT DISTINCT ON (person, month) person, month, receives
FROM live
WHERE type = 'assistance.reported'
ORDER BY person, month, time DESC, source DESC, id DESC;

CREATE TEMPORARY TABLE consent AS
WITH said AS (
    SELECT person, on_day, contact, time, source, id FROM live WHERE type = 'consent.changed'
    UNION ALL
    SELECT person, enrolled_on, contact, time, source, id FROM enrolment WHERE contact IS NOT NULL
)
SELECT DISTINCT ON (person, on_day) person, on_day AS changed_on, contact
FROM said
ORDER BY person, on_day, time DESC, source DESC, id DESC;

CREATE TEMPORARY TABLE reply AS
SELECT person, protocol, subject, on_day AS answered_on, response, occupation, same_field, time, source, id
FROM live
WHERE type = 'followup.answered';

CREATE TEMPORARY TABLE death AS
SELECT person, min(closed_on) AS died_on
FROM cases
WHERE reason = 'deceased'
GROUP BY person;
