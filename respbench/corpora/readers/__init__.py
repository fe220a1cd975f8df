"""Read the recordings of a database: one file per corpus, and what they share."""
