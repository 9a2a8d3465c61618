"""The formulas: a family is a file, a factor is one line of it."""
