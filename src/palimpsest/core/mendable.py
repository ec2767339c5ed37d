"""Which errors a user can mend, and the one line that each of them is, for every command."""

from palimpsest.core.errors import PalimpsestError, shown
from palimpsest.core.extras import missing_extra
from palimpsest.core.memory import is_shortage, shortage


def in_one_line(error: Exception) -> str | None:
    """What a user is told of an error; None where it is a fault of the program.

    Args:
        error: anything that was raised.
    """
    if isinstance(error, PalimpsestError):
        return str(error)
    if is_shortage(error):
        return str(shortage(error))
    if isinstance(error, ModuleNotFoundError):
        lacking = missing_extra(error)
        return None if lacking is None else str(lacking)
    if isinstance(error, OSError):  # a full disk, a folder that cannot be written
        return shown(" ".join(str(error).split()))
    return None
