"""What all tests share."""

import pytest
from hypothesis import settings

from tests.browser import CHROMIUM, Browser

# a deadline measures the machine's other work, not the code
settings.register_profile("palimpsest", deadline=None)
settings.load_profile("palimpsest")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium; the test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    one = Browser(tmp_path_factory.mktemp("chromium"))
    yield one
    one.close()
