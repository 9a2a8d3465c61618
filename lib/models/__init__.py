"""Models: from factors and labels to predictions, walking forward in time."""
