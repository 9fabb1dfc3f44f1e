"""The browser checks need Chromium and Node, so they are collected only when EFTERHAND_BROWSER is set."""

import os

collect_ignore_glob = [] if os.environ.get("EFTERHAND_BROWSER") else ["test_*.py"]
