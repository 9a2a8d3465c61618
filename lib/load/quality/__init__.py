"""Quality control of a price file: what was found in it, as numbers and as a report."""
