"""Studies as declared grids of rows: computed, stored, recorded, verified."""
