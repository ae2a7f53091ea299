"""Amazon S3 Vectors on this machine: exact search, and every refusal that is documented."""
