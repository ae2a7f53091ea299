"""S3, IAM, STS, Bedrock, S3 Vectors, EventBridge, SQS and SNS on this machine, for demos and tests.

Nothing but the command line and the tests imports it.
"""
