-- PostgreSQL: the events of the product in those columns.

SELECT
    person, source, id, type, time,
    CAST(data->>'on' AS date) AS on_day,
    data->>'case' AS case_id,
    data->>'unit' AS unit,
    data->>'target_group' AS target_group,
    data->>'sex' AS sex,
    CAST(data->>'birth_year' AS integer) AS birth_year,
    CAST(data->>'assistance' AS boolean) AS assistance,
    CAST(data->>'assistance_since' AS date) AS assistance_since,
    CAST(coalesce(data->>'contact', data->>'contact_consent') AS boolean) AS contact,
    data->>'reason' AS reason,
    data->>'measure' AS measure_id,
    data->>'kind' AS kind,
    data->>'provider' AS provider,
    data->>'funder' AS funder,
    data->>'result' AS result,
    CAST(data->>'month' || '-01' AS date) AS month,
    CAST(data->>'receives' AS boolean) AS receives,
    data->>'check' AS protocol,
    data->>'subject' AS subject,
    data->>'response' AS response,
    data->>'occupation' AS occupation,
    CAST(data->>'same_field' AS boolean) AS same_field,
    data#>>'{retracts,source}' AS retracts_source,
    data#>>'{retracts,id}' AS retracts_id
FROM indicators.event
WHERE person <> ''
