"""The options of the command line, and their defaults."""

import argparse
from pathlib import Path

RESULTS = Path("results")


def _path(text: str) -> Path:
    """A path as the user means it: make and some shells hand over ``~`` as it is."""
    return Path(text).expanduser()


def parser() -> argparse.ArgumentParser:
    """What `respbench` understands; ``command`` is the first word."""
    options = argparse.ArgumentParser(
        prog="respbench", description="An honest benchmark of respiratory-sound classification."
    )
    commands = options.add_subparsers(required=True, dest="command", metavar="COMMAND")

    commands.add_parser("list", help="show models, corpora, tasks and protocols")

    fetch = commands.add_parser("data", help="fetch the ICBHI 2017 database (1.9 GB)")
    fetch.add_argument("--folder", type=_path, help="where to put it (default: data/ICBHI_final_database)")
    fetch.add_argument("--url", help="another address of the archive")

    corpus = argparse.ArgumentParser(add_help=False)
    corpus.add_argument("--corpus", default="simulated", help="simulated (default), icbhi, sprsound, kauh or manifest")
    corpus.add_argument("--data", type=_path, help="folder of the recordings, or the manifest's CSV file")
    corpus.add_argument("--rate", type=int, default=4000, help="analysis rate in Hz (default: 4000)")
    corpus.add_argument(
        "--leave-out-bad", action="store_true", help="leave out clips that can't be used, and list them"
    )
    corpus.add_argument("--patients", type=int, default=80, help="simulated patients (default: 80)")
    corpus.add_argument("--clips", type=int, default=10, help="clips of each simulated patient (default: 10)")
    corpus.add_argument("--difficulty", type=float, default=1.0, help="of the simulated corpus: 0 is easy (default: 1)")
    corpus.add_argument("--corpus-seed", type=int, default=0, help="seed of the simulated corpus (default: 0)")
    corpus.add_argument("--results", type=_path, default=RESULTS, help="results folder (default: results)")

    commands.add_parser("prepare", parents=[corpus], help="decode and check a corpus")
    commands.add_parser("explore", parents=[corpus], help="look at a corpus")

    bench = argparse.ArgumentParser(add_help=False, parents=[corpus])
    bench.add_argument("--task", default="abnormal", help="abnormal (default) or four-class")
    bench.add_argument(
        "--protocol",
        default="patients-5fold",
        help="patients-5fold (default), patients-5fold-labels10, official, cross-corpus or random-5fold",
    )
    bench.add_argument("--seeds", type=int, help="repetitions (default: 1 on the simulated corpus, else 3)")
    bench.add_argument("--workers", type=int, help="fits at once (default: one per core)")
    bench.add_argument("--backend", default="processes", help="processes (default) or dask")
    bench.add_argument("--scheduler", help="address of a Dask scheduler (default: a cluster on this machine)")
    bench.add_argument("--fit-timeout", type=float, help="s after which a fit or a trial is given up (default: never)")

    fit = commands.add_parser("run", parents=[bench], help="fit what is missing, report, print the leaderboard")
    fit.add_argument("--models", help="comma-separated names (default: the usual ones; see `respbench list`)")
    fit.add_argument("--model", type=_path, action="append", default=[], help="a model file outside the clone")
    fit.add_argument(
        "--trials",
        default="none",
        help="of each model's tuning in each fold: none (default), quick, standard, thorough, or a number",
    )
    fit.add_argument("--other", help="the second corpus of the protocol cross-corpus: trained on, then tested")
    fit.add_argument("--other-data", type=_path, help="its folder of recordings, or its manifest")
    fit.add_argument("--unlabeled", type=_path, help="folder of recordings without annotation, to learn from")

    parts = commands.add_parser("ablate", parents=[bench], help="the same for models with one part changed")
    parts.add_argument("--group", help="comma-separated groups of models/ablations.py (default: all)")
    parts.set_defaults(trials="none")  # what is compared must differ in one part alone

    again = commands.add_parser("report", help="write tables and figures again from the stored predictions")
    again.add_argument("folder", type=_path, nargs="?", default=RESULTS, help="results folder, or one report's folder")
    return options
