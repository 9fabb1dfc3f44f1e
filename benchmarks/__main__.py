"""All benchmarks, one after the other: `python -m benchmarks [--small]`."""

import subprocess
import sys

NAMES = ("worker_throughput", "post_durable", "time_to_read", "large", "worklist")

if __name__ == "__main__":
    codes = [subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]]).returncode for name in NAMES]
    sys.exit(next((code for code in codes if code), 0))
