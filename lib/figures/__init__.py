"""The plots. Each takes a study's tidy frame and returns a Figure whose title is computed from the numbers.

``lib.figures.events``, ``ablation`` and ``travel`` hold the plots of a page each; ``style`` what they share.
"""
