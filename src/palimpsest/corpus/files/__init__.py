"""Texts out of files as people keep them; `palimpsest.corpus.files.reading` is the way in."""
