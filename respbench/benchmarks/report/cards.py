"""The cards of corpora and models in docs/cards, written by `make tables` and compared with the results by a test."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from respbench.benchmarks.report.card_texts import CORPORA_TEXTS
from respbench.benchmarks.report.dataset_cards import dataset_card
from respbench.benchmarks.report.model_cards import model_cards
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.places import PROJECT
from respbench.corpora.problems import InputError

CARDS: dict[str, Callable[[Path], str]] = {
    **{f"docs/cards/datasets/{corpus}.md": partial(dataset_card, corpus) for corpus in CORPORA_TEXTS},
    "docs/cards/models.md": model_cards,
}
"""What makes each page, from the folder of all results."""


def main() -> int:
    """Write all cards of the project."""
    try:
        for page, write in CARDS.items():
            write_atomically(PROJECT / page, write(PROJECT / "results").encode())
    except InputError as problem:
        print(f"make tables: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
