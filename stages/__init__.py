"""The stages of the graph, one command each.

A stage uses the library that lies beside it, not the one that happens to be installed: an
experiment that DVC runs in a copy of the workspace must run the code of that copy.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from palimpsest.core.command import loading_in_one_line
from palimpsest.core.compute import settle_for_stage
from palimpsest.core.locks import keep_locks

sys.excepthook = loading_in_one_line
settle_for_stage(sys.argv)
keep_locks(Path.cwd())
