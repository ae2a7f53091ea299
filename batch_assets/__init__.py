"""Pictures under date prefixes in S3, embedded in bulk by Amazon Bedrock, searchable in S3 Vectors."""
