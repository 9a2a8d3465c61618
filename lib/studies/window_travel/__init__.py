"""How long does one limit-up close stay in a rolling window, and what does it cost to keep it out?

An example of one stock that fits on a page, without a study: nothing is sampled and nothing is recorded.
"""
