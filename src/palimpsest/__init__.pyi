"""What type checkers see of the package: in the module itself these load at first use."""

from palimpsest.core.errors import PalimpsestError as PalimpsestError
from palimpsest.library.audit import audit as audit
from palimpsest.library.integrity import integrity as integrity
from palimpsest.library.neural_collapse import neural_collapse as neural_collapse

__all__ = ["PalimpsestError", "__version__", "audit", "integrity", "neural_collapse"]
__version__: str
