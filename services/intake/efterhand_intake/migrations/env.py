"""Run by Alembic."""

from efterhand.database import run_env
from efterhand_intake.adapters.tables import metadata

run_env(metadata)
