"""A price file of the reader: what is in it, what was masked and why."""
