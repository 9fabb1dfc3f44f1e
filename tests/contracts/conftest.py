"""How Hypothesis searches here: a busy machine is no failure, and nothing is written into the tree."""

from hypothesis import settings

settings.register_profile("contracts", deadline=None, database=None, print_blob=True)
settings.load_profile("contracts")
