"""Human text: where generation 0 comes from."""
