"""Runs of the whole system on what else can break, started from `.ci/run`; pytest does not collect them."""
