"""One limit-up close on its way through a rolling window."""
