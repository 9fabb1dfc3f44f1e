-- From facts to the cells of every figure at one T. Runs on PostgreSQL and on DuckDB.
-- `span` has one row: begins_on and ends_on, the window of twelve months that ends on T. `tree` has, for each unit, the
-- unit itself, every unit above it on T, and '' for all units. `calendar` has for each day the fifth working day after.

-- What has an anchor on which unit and target group are those of the case, and is counted by a measuring day.
CREATE TEMPORARY TABLE closed AS
SELECT
    cases.*, stay.unit, stay.target_group,
    CAST(extract(year FROM cases.closed_on) AS integer) - cases.birth_year AS age,
    CAST(cases.closed_on + INTERVAL '7 months' AS date) AS looked_at
FROM cases
CROSS JOIN span
JOIN stay
    ON stay.person = cases.person AND stay.case_id = cases.case_id
    AND cases.closed_on BETWEEN stay.from_on AND stay.until_on
WHERE cases.closed_on BETWEEN span.begins_on - 250 AND span.ends_on;

CREATE TEMPORARY TABLE enrolled AS
SELECT
    cases.*, stay.unit, stay.target_group,
    CAST(extract(year FROM cases.enrolled_on) AS integer) - cases.birth_year AS age,
    CAST(cases.enrolled_on + INTERVAL '6 months' AS date) AS after_6,
    CAST(cases.enrolled_on + INTERVAL '12 months' AS date) AS after_12,
    CAST(cases.enrolled_on + INTERVAL '18 months' AS date) AS after_18,
    cases.enrolled_on + 90 AS after_90_days,
    calendar.fifth_working_day
FROM cases
CROSS JOIN span
JOIN calendar ON calendar.day = cases.enrolled_on
JOIN stay
    ON stay.person = cases.person AND stay.case_id = cases.case_id
    AND cases.enrolled_on BETWEEN stay.from_on AND stay.until_on
WHERE cases.enrolled_on BETWEEN span.begins_on - 600 AND span.ends_on;

CREATE TEMPORARY TABLE ended AS
SELECT measure.*, stay.unit
FROM measure
CROSS JOIN span
JOIN stay
    ON stay.person = measure.person AND stay.case_id = measure.case_id
    AND measure.ended_on BETWEEN stay.from_on AND stay.until_on
WHERE measure.ended_on BETWEEN span.begins_on - 250 AND span.ends_on;

-- The two checks after an enrolment.
CREATE TEMPORARY TABLE first_offer AS
SELECT live.person, live.case_id, min(live.on_day) AS made_on
FROM live
JOIN enrolled
    ON enrolled.person = live.person AND enrolled.case_id = live.case_id AND live.on_day >= enrolled.enrolled_on
WHERE live.type = 'offer.made'
GROUP BY live.person, live.case_id;

CREATE TEMPORARY TABLE first_plan AS
SELECT live.person, live.case_id, min(live.on_day) AS set_on
FROM live
JOIN enrolled
    ON enrolled.person = live.person AND enrolled.case_id = live.case_id AND live.on_day >= enrolled.enrolled_on
WHERE live.type = 'plan.set'
GROUP BY live.person, live.case_id;

-- The checks that somebody answers: what the answer is, unless something cancelled them before it.
CREATE TEMPORARY TABLE asked AS
WITH anchored AS (
    SELECT
        'occupation_3m' AS protocol, person, measure_id AS subject, kind, ended_on AS anchor_on, sex, unit,
        CAST(ended_on + INTERVAL '3 months' AS date) AS due, CAST(NULL AS date) AS cancelled_on
    FROM ended
    WHERE kind = 'stockholmsjobb'
       OR (kind IN ('vocational_training', 'combination_training') AND result IS DISTINCT FROM 'interrupted')
    UNION ALL
    SELECT
        'higher_vocational_6m', person, measure_id, kind, ended_on, sex, unit,
        CAST(ended_on + INTERVAL '6 months' AS date), CAST(NULL AS date)
    FROM ended
    WHERE kind = 'higher_vocational' AND result = 'completed'
    UNION ALL
    SELECT
        'occupation_6m', closed.person, closed.case_id, CAST(NULL AS text), closed.closed_on, closed.sex, closed.unit,
        CAST(closed.closed_on + INTERVAL '6 months' AS date),
        least(came_back.enrolled_on, withdrew.changed_on)
    FROM closed
    JOIN (
        SELECT DISTINCT ON (closed.person, closed.case_id) closed.person, closed.case_id, consent.contact
        FROM closed
        JOIN consent ON consent.person = closed.person AND consent.changed_on <= closed.closed_on
        ORDER BY closed.person, closed.case_id, consent.changed_on DESC
    ) AS told ON told.person = closed.person AND told.case_id = closed.case_id AND told.contact
    LEFT JOIN (
        SELECT closed.person, closed.case_id, min(other.enrolled_on) AS enrolled_on
        FROM closed
        JOIN cases AS other
            ON other.person = closed.person AND other.case_id <> closed.case_id
            AND other.enrolled_on > closed.closed_on
            AND other.enrolled_on < CAST(closed.closed_on + INTERVAL '6 months' AS date)
        GROUP BY closed.person, closed.case_id
    ) AS came_back ON came_back.person = closed.person AND came_back.case_id = closed.case_id
    LEFT JOIN (
        SELECT closed.person, closed.case_id, min(consent.changed_on) AS changed_on
        FROM closed
        JOIN consent
            ON consent.person = closed.person AND consent.changed_on > closed.closed_on AND NOT consent.contact
        GROUP BY closed.person, closed.case_id
    ) AS withdrew ON withdrew.person = closed.person AND withdrew.case_id = closed.case_id
    WHERE closed.reason IN ('work', 'studies', 'self_employment')
),
in_window AS (
    SELECT
        anchored.*, CAST(due + INTERVAL '2 months' AS date) AS gives_up_on,
        least(anchored.cancelled_on, death.died_on) AS stopped_on
    FROM anchored
    CROSS JOIN span
    LEFT JOIN death ON death.person = anchored.person
    WHERE anchored.due BETWEEN span.begins_on AND span.ends_on
),
answers AS (
    SELECT
        in_window.protocol, in_window.person, in_window.subject, reply.answered_on, reply.response, reply.occupation,
        reply.same_field,
        row_number() OVER (
            PARTITION BY in_window.protocol, in_window.person, in_window.subject
            ORDER BY reply.time DESC, reply.source DESC, reply.id DESC
        ) AS place,
        min(reply.answered_on) OVER (PARTITION BY in_window.protocol, in_window.person, in_window.subject) AS settled_on
    FROM in_window
    JOIN reply
        ON reply.person = in_window.person AND reply.protocol = in_window.protocol
        AND reply.subject = in_window.subject
        AND reply.answered_on >= in_window.anchor_on AND reply.answered_on < in_window.gives_up_on
)
SELECT
    in_window.protocol, in_window.person, in_window.kind, in_window.sex, in_window.unit,
    answers.response, answers.occupation, answers.same_field
FROM in_window
LEFT JOIN answers
    ON answers.protocol = in_window.protocol AND answers.person = in_window.person
    AND answers.subject = in_window.subject AND answers.place = 1
WHERE NOT coalesce(
    in_window.stopped_on <= in_window.gives_up_on
    AND (answers.settled_on IS NULL OR in_window.stopped_on < answers.settled_on),
    false
);

-- Stretches of an open case, and of a measure, within the window, each with one unit and one target group.
CREATE TEMPORARY TABLE open_stretch AS
SELECT
    cases.person, cases.sex, cases.birth_year, stay.unit, stay.target_group,
    greatest(cases.enrolled_on, stay.from_on, span.begins_on) AS from_on,
    least(coalesce(cases.closed_on, span.ends_on), stay.until_on, span.ends_on) AS until_on
FROM cases
CROSS JOIN span
JOIN stay ON stay.person = cases.person AND stay.case_id = cases.case_id
WHERE greatest(cases.enrolled_on, stay.from_on, span.begins_on)
   <= least(coalesce(cases.closed_on, span.ends_on), stay.until_on, span.ends_on);

CREATE TEMPORARY TABLE talked AS
SELECT DISTINCT live.person
FROM live
CROSS JOIN span
JOIN cases
    ON cases.person = live.person AND cases.case_id = live.case_id AND live.on_day >= cases.enrolled_on
WHERE live.type = 'guidance.held' AND live.on_day BETWEEN span.begins_on AND span.ends_on;

-- Who is counted once in each cell.
CREATE TEMPORARY TABLE counted_once AS
WITH each AS (
    SELECT 'unique_persons' AS indicator, person, '' AS part, sex, unit FROM open_stretch
    UNION ALL
    SELECT 'persons_by_target_group', person, target_group, sex, unit FROM open_stretch
    UNION ALL
    SELECT 'guidance_share', person, '', sex, unit FROM open_stretch
    UNION ALL
    SELECT 'guidance_share_16_29', person, '', sex, unit
    FROM open_stretch
    WHERE extract(year FROM until_on) - birth_year >= 16 AND extract(year FROM from_on) - birth_year <= 29
    UNION ALL
    SELECT 'enrolled_20_29', enrolled.person, '', enrolled.sex, enrolled.unit
    FROM enrolled CROSS JOIN span
    WHERE enrolled.target_group = 'entry_20_29' AND enrolled.enrolled_on BETWEEN span.begins_on AND span.ends_on
    UNION ALL
    SELECT which.indicator, measure.person, '', measure.sex, stay.unit
    FROM measure
    CROSS JOIN span
    JOIN stay ON stay.person = measure.person AND stay.case_id = measure.case_id
    JOIN (
        SELECT 'stockholmsjobb_persons' AS indicator, false AS own_only
        UNION ALL SELECT 'stockholmsjobb_count', true
    ) AS which ON NOT which.own_only OR measure.funder = 'own'
    WHERE measure.kind = 'stockholmsjobb'
      AND greatest(measure.started_on, stay.from_on, span.begins_on)
       <= least(coalesce(measure.last_on, span.ends_on), stay.until_on, span.ends_on)
)
SELECT DISTINCT each.indicator, each.person, each.part, each.sex, tree.above AS unit
FROM each
JOIN tree ON tree.unit = each.unit;

-- What is added up, by the case's own unit.
CREATE TEMPORARY TABLE added AS
SELECT 'closed_12m' AS indicator, sex, unit, count(*) FILTER (WHERE closed_on <= after_12) AS numerator,
    count(*) AS denominator, CAST(NULL AS bigint) AS expected, CAST(NULL AS bigint) AS total
FROM enrolled CROSS JOIN span
WHERE after_12 BETWEEN begins_on AND ends_on
  AND NOT coalesce(reason = 'referred_back' AND closed_on <= after_12, false)
GROUP BY sex, unit
UNION ALL
SELECT 'resource_closed_12m', sex, unit, count(*) FILTER (WHERE closed_on <= after_12), count(*), NULL, NULL
FROM enrolled CROSS JOIN span
WHERE after_12 BETWEEN begins_on AND ends_on AND target_group = 'resource'
  AND NOT coalesce(reason = 'referred_back' AND closed_on <= after_12, false)
GROUP BY sex, unit
UNION ALL
SELECT 'resource_closed_18m', sex, unit, count(*) FILTER (WHERE closed_on <= after_18), count(*), NULL, NULL
FROM enrolled CROSS JOIN span
WHERE after_18 BETWEEN begins_on AND ends_on AND target_group = 'resource'
  AND NOT coalesce(reason = 'referred_back' AND closed_on <= after_18, false)
GROUP BY sex, unit
UNION ALL
SELECT 'youth_closed_6m', sex, unit, count(*) FILTER (WHERE closed_on <= after_6), count(*), NULL, NULL
FROM enrolled CROSS JOIN span
WHERE after_6 BETWEEN begins_on AND ends_on AND target_group = 'ordinary' AND age BETWEEN 16 AND 29
  AND NOT coalesce(reason = 'referred_back' AND closed_on <= after_6, false)
GROUP BY sex, unit
UNION ALL
SELECT 'offer_90d', enrolled.sex, enrolled.unit,
    count(*) FILTER (
        WHERE first_offer.made_on <= after_90_days
           OR (reason IN ('work', 'studies', 'self_employment') AND closed_on <= after_90_days)
    ),
    count(*), NULL, NULL
FROM enrolled
CROSS JOIN span
LEFT JOIN first_offer ON first_offer.person = enrolled.person AND first_offer.case_id = enrolled.case_id
WHERE after_90_days BETWEEN begins_on AND ends_on AND age BETWEEN 16 AND 29
  -- Cancelled: closed for a neutral reason to the day of due, and no offer came before or on that day.
  AND NOT coalesce(
      reason IN ('referred_back', 'moved', 'deceased') AND closed_on <= after_90_days
      AND (first_offer.made_on IS NULL OR first_offer.made_on > closed_on),
      false
  )
GROUP BY enrolled.sex, enrolled.unit
UNION ALL
SELECT 'plan_5d', enrolled.sex, enrolled.unit, count(*) FILTER (WHERE first_plan.set_on <= fifth_working_day),
    count(*), NULL, NULL
FROM enrolled
CROSS JOIN span
LEFT JOIN first_plan ON first_plan.person = enrolled.person AND first_plan.case_id = enrolled.case_id
WHERE fifth_working_day BETWEEN begins_on AND ends_on
  AND NOT coalesce(
      closed_on <= fifth_working_day AND (first_plan.set_on IS NULL OR first_plan.set_on > closed_on), false
  )
GROUP BY enrolled.sex, enrolled.unit
UNION ALL
SELECT which.indicator, closed.sex, closed.unit, count(*) FILTER (WHERE NOT month.receives), count(month.receives),
    count(*), NULL
FROM closed
CROSS JOIN span
JOIN (
    SELECT 'self_sufficient_6m' AS indicator
    UNION ALL SELECT 'self_sufficient_6m_youth'
    UNION ALL SELECT 'self_sufficient_6m_livelihood'
    UNION ALL SELECT 'self_sufficient_6m_other_authority'
) AS which
    ON which.indicator = 'self_sufficient_6m'
    OR (which.indicator = 'self_sufficient_6m_youth' AND closed.age <= 29)
    OR (which.indicator = 'self_sufficient_6m_livelihood' AND closed.reason IN ('work', 'studies', 'self_employment'))
    OR (which.indicator = 'self_sufficient_6m_other_authority' AND closed.reason = 'other_authority')
LEFT JOIN month
    ON month.person = closed.person AND month.month = CAST(date_trunc('month', closed.looked_at) AS date)
WHERE closed.looked_at BETWEEN begins_on AND ends_on AND closed.reason NOT IN ('referred_back', 'deceased')
GROUP BY which.indicator, closed.sex, closed.unit
UNION ALL
SELECT 'closed_to_livelihood', sex, unit, count(*) FILTER (WHERE reason IN ('work', 'studies', 'self_employment')),
    count(*), NULL, NULL
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason <> 'referred_back'
GROUP BY sex, unit
UNION ALL
SELECT 'closed_to_studies', sex, unit, count(*) FILTER (WHERE reason = 'studies'), count(*), NULL, NULL
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason <> 'referred_back'
GROUP BY sex, unit
UNION ALL
SELECT 'closed_to_studies_20_29', sex, unit, count(*) FILTER (WHERE reason = 'studies'), count(*), NULL, NULL
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason <> 'referred_back' AND age BETWEEN 20 AND 29
GROUP BY sex, unit
UNION ALL
SELECT 'activity_duty_to_studies', sex, unit, count(*) FILTER (WHERE reason = 'studies'), count(*), NULL, NULL
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason <> 'referred_back' AND target_group = 'activity_duty'
  AND age BETWEEN 16 AND 19
GROUP BY sex, unit
UNION ALL
SELECT 'youth_duration', sex, unit, NULL, count(*), NULL, sum(closed_on - enrolled_on)
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason IN ('work', 'studies') AND age BETWEEN 16 AND 24
GROUP BY sex, unit
UNION ALL
SELECT 'long_assistance_duration', sex, unit, NULL, count(*), NULL, sum(closed_on - enrolled_on)
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason IN ('work', 'studies') AND assistance
  AND CAST(assistance_since + INTERVAL '10 months' AS date) < enrolled_on
GROUP BY sex, unit
UNION ALL
SELECT 'days_to_livelihood', sex, unit, NULL, count(*), NULL, sum(closed_on - enrolled_on)
FROM closed CROSS JOIN span
WHERE closed_on BETWEEN begins_on AND ends_on AND reason IN ('work', 'studies', 'self_employment')
GROUP BY sex, unit
UNION ALL
SELECT 'internship_count', measure.sex, stay.unit, count(*), NULL, NULL, NULL
FROM measure
CROSS JOIN span
JOIN stay
    ON stay.person = measure.person AND stay.case_id = measure.case_id
    AND measure.started_on BETWEEN stay.from_on AND stay.until_on
WHERE measure.kind = 'internship' AND measure.provider = 'municipal' AND measure.started_on BETWEEN begins_on AND ends_on
GROUP BY measure.sex, stay.unit
UNION ALL
SELECT 'stockholmsjobb_no_return_4m', ended.sex, ended.unit, count(*) FILTER (WHERE NOT month.receives),
    count(month.receives), count(*), NULL
FROM ended
CROSS JOIN span
LEFT JOIN month
    ON month.person = ended.person
    AND month.month = CAST(date_trunc('month', ended.ended_on + INTERVAL '4 months') AS date)
WHERE ended.kind = 'stockholmsjobb' AND CAST(ended.ended_on + INTERVAL '4 months' AS date) BETWEEN begins_on AND ends_on
GROUP BY ended.sex, ended.unit
UNION ALL
SELECT 'stockholmsjobb_occupation_3m', sex, unit,
    count(*) FILTER (WHERE response = 'answered' AND occupation IN ('work', 'studies', 'self_employment')),
    count(*) FILTER (WHERE response = 'answered'), count(*), NULL
FROM asked
WHERE protocol = 'occupation_3m' AND kind = 'stockholmsjobb'
GROUP BY sex, unit
UNION ALL
SELECT 'training_work_3m', sex, unit,
    count(*) FILTER (WHERE response = 'answered' AND occupation IN ('work', 'self_employment')),
    count(*) FILTER (WHERE response = 'answered'), count(*), NULL
FROM asked
WHERE protocol = 'occupation_3m' AND kind IN ('vocational_training', 'combination_training')
GROUP BY sex, unit
UNION ALL
SELECT 'higher_vocational_work_6m', sex, unit,
    count(*) FILTER (WHERE response = 'answered' AND occupation IN ('work', 'self_employment') AND same_field),
    count(*) FILTER (WHERE response = 'answered'), count(*), NULL
FROM asked
WHERE protocol = 'higher_vocational_6m'
GROUP BY sex, unit
UNION ALL
SELECT 'occupation_6m_livelihood', sex, unit,
    count(*) FILTER (WHERE response = 'answered' AND occupation IN ('work', 'studies', 'self_employment')),
    count(*) FILTER (WHERE response = 'answered'), count(*), NULL
FROM asked
WHERE protocol = 'occupation_6m'
GROUP BY sex, unit;

-- Unknown sex counts in the totals only. Of all units: ''. Of both sexes: ''.
CREATE TEMPORARY TABLE cell AS
WITH rolled_up AS (
    SELECT added.indicator, added.sex, tree.above AS unit, added.numerator, added.denominator, added.expected,
        added.total
    FROM added
    JOIN tree ON tree.unit = added.unit
    UNION ALL
    SELECT
        counted_once.indicator, counted_once.sex, counted_once.unit,
        CASE
            WHEN counted_once.indicator NOT IN ('guidance_share', 'guidance_share_16_29') THEN count(*)
            ELSE count(talked.person)
        END,
        CASE WHEN counted_once.indicator IN ('guidance_share', 'guidance_share_16_29') THEN count(*) END,
        NULL, NULL
    FROM counted_once
    LEFT JOIN talked ON talked.person = counted_once.person
    GROUP BY counted_once.indicator, counted_once.sex, counted_once.unit
)
SELECT
    indicator, CASE WHEN grouping(sex) = 1 THEN '' ELSE sex END AS sex, unit,
    CAST(sum(numerator) AS bigint) AS numerator, CAST(sum(denominator) AS bigint) AS denominator,
    CAST(sum(expected) AS bigint) AS expected, CAST(sum(total) AS bigint) AS total
FROM rolled_up
GROUP BY GROUPING SETS ((indicator, unit), (indicator, unit, sex))
HAVING grouping(sex) = 1 OR sex <> 'unknown';
