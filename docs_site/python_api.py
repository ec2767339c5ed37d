"""The page of the Python interface: the objects whose docstrings it shows; autodoc reads them."""

INTRODUCTION = (
    "What `import palimpsest` offers, and the callback for a training, from their docstrings. "
    "[From Python](../library.md) shows them at work."
)
OBJECTS = {
    "palimpsest": {
        "palimpsest.audit": "function",
        "palimpsest.library.audit.AuditResult": "class",
        "palimpsest.integrity": "function",
        "palimpsest.library.integrity.Integrity": "class",
        "palimpsest.neural_collapse": "function",
        "palimpsest.library.neural_collapse.NeuralCollapse": "class",
        "palimpsest.auditing.verdict.AuditParams": "class",
        "palimpsest.PalimpsestError": "exception",
    },
    "palimpsest.monitor": {
        "palimpsest.monitor.CollapseCallback": "class",
        "palimpsest.monitor.options.MonitorParams": "class",
    },
}
"""Name of what is imported -> what it offers, and what those take and return; with their kinds."""
WITH_MEMBERS = ("AuditResult", "Integrity", "NeuralCollapse", "AuditParams", "MonitorParams")

INNER = "model_config, from_options, sampling"
"""Members that are for the package itself."""


def page() -> str:
    """The whole page."""
    parts = ["# Python", INTRODUCTION]
    for module, objects in OBJECTS.items():
        parts.append(f"## {module}")
        parts += [_directive(name, kind) for name, kind in objects.items()]
    return "\n\n".join(parts) + "\n"


def _directive(name: str, kind: str) -> str:
    members = ["   :members:", f"   :exclude-members: {INNER}"]
    lines = [f".. auto{kind}:: {name}", *(members if name.endswith(WITH_MEMBERS) else [])]
    return "\n".join(["```{eval-rst}", *lines, "```"])
