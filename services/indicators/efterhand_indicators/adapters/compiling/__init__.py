"""From a definition to the parts of a statement: constants, days, rows and their names, conditions, look-ups, sums."""
