"""Measurements against rivals in the same run; see README.md here."""
