"""Runs of the whole system under kill -9. Not collected by pytest: `python -m tests.kill`, from `.ci/run`."""
