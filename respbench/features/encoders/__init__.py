"""Pretrained encoders: one adapter per file, what each of them is, where its weights come from, and its embeddings."""
