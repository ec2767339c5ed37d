"""Processes that run a project's stages under DVC."""

from pathlib import Path

DVC_MAIN = "/dvc/__main__.py"


def running_dvc(root: Path) -> set[int]:
    """Processes that run a project's stages under DVC; none where there is no /proc."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            place = (folder / "cwd").readlink()
        except OSError:  # it has ended, or is another user's
            continue
        # an experiment of the queue works on a copy, under .dvc/tmp
        top = root.resolve()
        here = place.is_relative_to(top) and ".dvc" not in place.relative_to(top).parts
        at_dvc = any(Path(word).name == "dvc" or word.endswith(DVC_MAIN) for word in words[:4])
        if (
            here
            and at_dvc
            and ("repro" in words or ({"exp", "run"} <= {*words} and "--queue" not in words))
        ):
            found.add(int(folder.name))
    return found
