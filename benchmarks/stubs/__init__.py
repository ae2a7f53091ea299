"""Stub services on loopback: they answer as the real ones do, at a stated pace, and end with the process that asked."""
