"""The opening pages of the chapters, and the stories that paper B tells of its own mistakes."""
