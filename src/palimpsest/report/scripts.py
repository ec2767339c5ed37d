"""What a page runs and reads: its scripts, the hashes that a browser lets run, its data blocks.

A page that draws runs plotly.js (once, out of the installed package ``plotly``) and one script of
static/ for each of its sections. The browser runs these and nothing else: the page's policy names
their hashes. Plotly's package brings only the whole bundle (4.8 MB); a smaller one with scatter,
scatter3d and mesh3d would have to lie in this repository.

Data go into the page as JSON that no browser runs. A script finds its block by its id and writes
texts with ``textContent``, so that no text of a chain becomes markup.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


@cache
def plotly_script() -> str:
    """plotly.js, whole.

    Raises:
        ModuleNotFoundError: without the package plotly; the command line names the extra.
    """
    from plotly.offline import get_plotlyjs  # only a page that draws needs it

    script: str = get_plotlyjs()
    return script


def static_script(name: str) -> str:
    """A script of static/, by its name without .js."""
    return (STATIC / f"{name}.js").read_text(encoding="utf-8")


def policy(scripts: Sequence[str]) -> str:
    """What a browser may do for a page, whatever a text in it says: the content of its
    Content-Security-Policy.

    It shows the page's own style and pictures, runs the page's own scripts, and asks nobody for
    anything; without scripts it runs none.

    Args:
        scripts: the text of each, as it stands between its tags.
    """
    rules = [
        "default-src 'none'",
        f"img-src data:{' blob:' if scripts else ''}",  # plotly draws a download from a blob
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if scripts:
        rules.insert(1, f"script-src {' '.join(map(_hash, scripts))}")
    return "; ".join(rules)


def json_block(data: object) -> str:
    """Data as JSON that may stand between script tags: ASCII without "<", same data, same text.

    Raises:
        ValueError: a number that is not finite; what is not known is None.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
