"""The registry and its models, one file per model: classical ones here, networks and methods in their own folders."""
