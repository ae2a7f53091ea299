"""Failures on request: rules that make calls or batch jobs go wrong, always in the same way."""
