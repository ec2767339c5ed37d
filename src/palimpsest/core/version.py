"""The version of the installed package, looked up when somebody asks."""


def installed_version() -> str | None:
    """As pyproject.toml has it, for example "0.2.0"; None where the package runs uninstalled."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms, at every start

    try:
        return version("palimpsest")
    except PackageNotFoundError:
        return None
