"""Bedrock batch inference - manifests, jobs, lanes, quota, results, and on-demand calls."""
