"""What is in a price file of the reader, what is masked and why? A page without a study: nothing is recorded."""
