"""Where clips come from, and how patients are kept apart."""
