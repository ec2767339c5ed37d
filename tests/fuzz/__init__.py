"""Inputs that nobody meant, by the thousand: every parser reads them or refuses them in a line."""
