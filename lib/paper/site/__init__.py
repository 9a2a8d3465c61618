"""Executes the notebooks, builds the book and checks it."""
