"""Every table, figure and numbered equation of the two papers, and where it is in this book."""
