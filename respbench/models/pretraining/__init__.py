"""What a network is trained on before it is fitted: simulated breaths, planted sounds, another corpus.

Every pretraining is a call of the one training loop. Its weights are a file in the cache, made once.
"""
