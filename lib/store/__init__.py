"""Files that are whole or absent, and the digest of the code that a result reaches."""
