"""Fetch the ICBHI 2017 archive, unpack it and verify what it holds."""
