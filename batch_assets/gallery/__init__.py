"""The search page: a read-only web server over the vector index, the tables and thumbnails of the pictures."""
