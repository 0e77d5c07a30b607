"""``python -m benchmarks.instructions``: count, and compare with what is stored.

python -m benchmarks.instructions            # exit 1 if something costs more than it did
python -m benchmarks.instructions --store    # keep the counts as what it may cost
"""

from __future__ import annotations

import sys

from benchmarks.instructions.count import CountError, compare, count, load, store

try:
    counts = count()
except CountError as error:
    sys.exit(f"benchmarks: {error}")
if "--store" in sys.argv:
    store(counts)
problems = compare(counts, load())
for name, figure in counts.items():
    print(f"{name:16} {figure:12,.0f} instructions")
print("\n".join(problems))
sys.exit(1 if problems else 0)
