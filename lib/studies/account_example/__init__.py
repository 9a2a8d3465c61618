"""What does a broker's statement of ten days say, and where does every yuan of it come from?

An example of three stocks that fits on a page, without a study: nothing is sampled and nothing is recorded.
"""
