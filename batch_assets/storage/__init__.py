"""S3 - listing, objects, and parquet tables."""
