"""PostgreSQL: tables, the compiler of indicators, what is read and written."""
