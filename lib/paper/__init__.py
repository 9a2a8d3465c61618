"""The machinery of a reproducible paper: results, claims, pages and the site. It never heard of a market."""
