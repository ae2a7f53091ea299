"""A shim for installers that do not read pyproject.toml, where all metadata is."""

from setuptools import setup

setup()
