"""From the events of one person to facts, checks and notices. Pure: no clock, no database, no network."""
