"""Which mask, label, universe, score, fill, cost, loss and portfolio to use, each with the number behind it."""
