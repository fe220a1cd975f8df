"""``respbench encoders``: which pretrained encoders are here, and how to get the others. Nothing is downloaded."""

import argparse

from rich.console import Console

HASH = 12
"""Hexadecimal digits of a SHA-256 that are shown."""


def encoders(options: argparse.Namespace, console: Console) -> int:
    """``respbench encoders``: list the encoders, their licenses, and the state of their weights."""
    from respbench.features.encoders.catalog import ENCODERS
    from respbench.features.encoders.weights import FOLDER_VARIABLE, find_weights, missing, weights_folder
    from respbench.models.encoder_entries import FROZEN_ALONE, PROBES

    rows = [("encoder", "takes", "numbers", "license", "weights, SHA-256")]
    absent = []
    for card in ENCODERS.values():
        window = "whole clips" if card.seconds is None else f"{card.seconds:g} s"
        use = "" if card.commercial else ", not for commercial use"
        sentence = missing(card)
        state = "missing" if sentence else ", ".join(value[:HASH] for value in find_weights(card).hashes)
        absent += [(card.name, sentence)] if sentence else []
        rows.append((card.name, f"{card.rate} Hz, {window}", str(card.size), card.license + use, state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        text = "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True))
        console.print(text.rstrip(), style=None if number else "bold")
    tuned = f"; -fine-tuned, of all but {', '.join(FROZEN_ALONE)}"
    console.print(f"Models: the name of an encoder and {' or '.join(f'-{probe}' for probe in PROBES)}{tuned}.")
    console.print(f"Weights that no package ships are read from {weights_folder()} ({FOLDER_VARIABLE}).")
    for name, sentence in absent:
        console.print(f"{name}: {sentence}.")
    return 0
