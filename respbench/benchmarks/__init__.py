"""The harness: protocol, run, store, metrics, report and command line."""
