"""Measuring speed, memory and accuracy against other libraries, in one run on one machine.

timing:    alternating repeats in CPU time, ratios with their spread, the machine itself
peers:     the other libraries, and which of them are installed
primitives: the operators, in every library that has them, with the truth they are held to
formulas:  the factor formulas in pandas
workloads: all factors, neutralisation, one new day
child:     one workload in a process of its own, for its peak memory

Absolute times mean little on a shared machine: every figure is a ratio to a peer that was measured in the
same run, alternating with ours.
"""
