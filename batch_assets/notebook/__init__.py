"""The tables and the index from Python, for people who explore: Arrow, pandas, DuckDB, numpy, search and pictures."""
