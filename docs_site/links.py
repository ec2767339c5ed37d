"""Checks what a built site links to: files, anchors, and that nothing is loaded from outside."""

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

LOADED = {
    "img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src", "link": "href",
}  # fmt: skip
"""Tags that a browser follows by itself, and the attribute that says where."""
WITHOUT_REQUEST = {"canonical", "alternate", "prev", "next"}
"""Values of ``rel`` of a link that no browser loads."""


class _Page(HTMLParser):
    """The anchors of a page, what it links to and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag's anchor, link or load."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        target = found.get(LOADED.get(tag, ""))
        if target and found.get("rel") not in WITHOUT_REQUEST:
            self.loads.append(target)


def faults(site: Path, unread: Sequence[str] = ("pages", "_downloads")) -> Iterator[str]:
    """What is wrong with a site's links, a line each, the page first.

    Args:
        site: the folder of the built site.
        unread: folders of pages that are whole in themselves: they may be linked to, and what is
            in them is for their own tests.
    """
    files = [path for path in sorted(site.rglob("*.html")) if path.name != "404.html"]
    pages = {
        path: _Page(path.read_text(encoding="utf-8"))
        for path in files
        if path.relative_to(site).parts[0] not in unread
    }
    for path, page in pages.items():
        where = path.relative_to(site).as_posix()
        for target in page.loads:
            if urlparse(target).netloc:
                yield f"{where}: loads {target} from outside"
        for target in [*page.links, *page.loads]:
            parts = urlparse(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not file.is_file():
                yield f"{where}: links to {target}, which is not there"
            elif file in pages and unquote(parts.fragment) not in pages[file].anchors:
                yield f"{where}: links to {target}, which has no such anchor"
