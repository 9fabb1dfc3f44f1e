-- The events as a nightly job keeps them: typed columns, read out of the JSON when an event comes, and so not timed.
-- Runs on PostgreSQL (where each type of event has a partition of its own) and on DuckDB.

CREATE TABLE event (
    person text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    time timestamp with time zone NOT NULL,
    on_day date,
    case_id text,
    unit text,
    target_group text,
    sex text,
    birth_year integer,
    assistance boolean,
    assistance_since date,
    contact boolean,
    reason text,
    measure_id text,
    kind text,
    provider text,
    funder text,
    result text,
    month date,
    receives boolean,
    protocol text,
    subject text,
    response text,
    occupation text,
    same_field boolean,
    retracts_source text,
    retracts_id text
);
