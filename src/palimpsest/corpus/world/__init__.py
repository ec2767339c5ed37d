"""The synthetic encyclopedia: its words, grammar, generator and parser."""
