"""Bedrock on this machine: batch inference jobs and InvokeModel for one embedding model."""
