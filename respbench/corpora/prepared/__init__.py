"""Store a corpus as a folder that every process can memory-map: decoded, checked, and whole or not there."""
