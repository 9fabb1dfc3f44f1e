"""What takes minutes is collected only when EFTERHAND_ACCEPTANCE is set, as CI does: whole years through the door."""

import os

WHOLE_YEARS = ["test_stockholm_2017.py", "test_nacka_2021.py"]

collect_ignore = [] if os.environ.get("EFTERHAND_ACCEPTANCE") else WHOLE_YEARS
