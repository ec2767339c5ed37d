"""The page that a reader opens, and the tables that `dvc plots` draws."""
