"""The stages of the graph, one command each.

A stage uses the library that lies beside it, not the one that happens to be installed: an
experiment that DVC runs in a copy of the workspace must run the code of that copy.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
