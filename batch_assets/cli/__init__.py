"""The command batch-assets."""
