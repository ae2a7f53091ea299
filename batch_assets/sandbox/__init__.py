"""S3, IAM, STS, Bedrock and S3 Vectors on this machine, for demos and tests.

Nothing but the command line and the tests imports it.
"""
