"""The database's tables and the other services: everything that is not a rule."""
