"""What all tests share."""

from hypothesis import settings

# a deadline measures the machine's other work, not the code
settings.register_profile("palimpsest", deadline=None)
settings.load_profile("palimpsest")
