"""S3 Vectors - index, wire format, writer, reconcile, search."""
