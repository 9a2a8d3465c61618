"""One file for each library: its operators, and where it has them the formulas of whole sets.

operators(x, y, window) -> {name: Contender}      prices [T, N], NaN where masked; nothing where it isn't installed
alphas(panel, names) -> Call                      formulas of this book in its operators, one array [T, N] each

Each library gets its inputs in the layout that it is fastest with, converted before the clock starts. Where it has
no such operation it is left out; where an idiom is needed, it is the fastest that we know.
"""
