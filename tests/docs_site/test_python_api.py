"""The page of the Python interface has all that `import palimpsest` offers."""

import importlib
import inspect

import palimpsest
import palimpsest.monitor
from docs_site.python_api import OBJECTS, page


def test_what_is_offered_is_shown() -> None:
    shown = {path.rsplit(".", 1)[1] for objects in OBJECTS.values() for path in objects}
    assert {*palimpsest.__all__} - {"__version__"} <= shown
    assert {*palimpsest.monitor.__all__} <= shown


def test_what_is_shown_is_there_with_a_docstring() -> None:
    text = page()
    for objects in OBJECTS.values():
        for path, kind in objects.items():
            module, name = path.rsplit(".", 1)
            found = getattr(importlib.import_module(module), name)
            assert inspect.getdoc(found)
            assert inspect.isfunction(found) == (kind == "function")
            assert f".. auto{kind}:: {path}\n" in text
