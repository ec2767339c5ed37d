"""Blocks of docs/metrics.md that a script writes, from `<!-- name -->` to `<!-- /name -->`."""

from pathlib import Path


def replace_block(path: Path, name: str, text: str) -> None:
    """Replaces what stands between the two marks of a block.

    Raises:
        ValueError: the file has no such block.
    """
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    content = path.read_text(encoding="utf-8")
    before, mark, rest = content.partition(start)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"{path}: want a block {start.strip()} … {end}, got none")
    path.write_text(f"{before}{start}\n{text}\n\n{end}{after}", encoding="utf-8")
