"""The claims of the papers, and what was found for them."""
