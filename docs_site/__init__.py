"""What makes a site of docs/: the pages written from the code, the check of links; see `hooks`."""
