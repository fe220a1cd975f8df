"""The options of the command line, and their defaults. Imports nothing heavy, so that ``--help`` answers at once."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from respbench.benchmarks.execution.pool import Backend
from respbench.corpora.choices import CORPORA, JOINING, PROTOCOLS, STATED_FOLDS, TASKS, default_task
from respbench.corpora.problems import InputError

RESULTS = Path("results")

PRESETS = {"none": 0, "quick": 3, "standard": 20, "thorough": 100}
"""Trials of a study, the defaults among them, by name."""

TRIALS = PRESETS["quick"]
"""Trials of a study unless the user sets them. None with few labels, where too few patients are left to divide, where
models are adapted, since the folds share their training patients, and on the simulated corpus, whose benchmark is to
show everything in minutes."""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong option like every other wrong request."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def _path(text: str) -> Path:
    """Expand ``~``, which make and some shells pass on as it is."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty; give one, or leave the option out")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise argparse.ArgumentTypeError(f"the path {text!r} is not UTF-8; rename what it names")
    return Path(text).expanduser()


def _folder(text: str) -> Path:
    """The path of a folder, which need not exist."""
    path = _path(text)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise argparse.ArgumentTypeError(f"{part.absolute()} is a file; give a folder")
    return path


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 on")
    return int(text)


def _seconds(text: str) -> float:
    if not text.replace(".", "", 1).isdecimal() or not float(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return float(text)


def trials(text: str) -> int:
    """Parse a number of trials, or the name of a preset."""
    if text not in PRESETS and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of trials; give one, or {', '.join(PRESETS)}")
    return PRESETS[text] if text in PRESETS else int(text)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the words after ``respbench``.

    Raises:
        InputError: they are no request, or options don't go together.
    """
    options = parser().parse_args(arguments)
    if getattr(options, "task", "") is None:
        options.task = default_task(options.corpus)
    if getattr(options, "scheduler", None) and options.backend != Backend.DASK:
        raise InputError("a scheduler goes with the backend dask only; set --backend dask (BACKEND=dask for make)")
    if getattr(options, "folds", None) and options.protocol != STATED_FOLDS:
        raise InputError(
            f"a file of folds goes with the protocol {STATED_FOLDS} only; set --protocol {STATED_FOLDS}, or leave out "
            "--folds (PROTOCOL and FOLDS for make)"
        )
    return options


def parser() -> argparse.ArgumentParser:
    """Build the parser of `respbench`, which raises `InputError`; ``command`` is the first word."""
    options = _Parser(
        prog="respbench", description="A benchmark of respiratory-sound classifiers on patients unseen in training."
    )
    commands = options.add_subparsers(required=True, dest="command", metavar="COMMAND")

    commands.add_parser("list", help="show models, corpora, tasks and protocols")
    commands.add_parser("encoders", help="show pretrained encoders, which are here, and how to get the others")

    fetch = commands.add_parser("data", help="fetch the ICBHI 2017 database (1.9 GB)")
    fetch.add_argument("--folder", type=_folder, help="where to put it (default: data/ICBHI_final_database)")
    fetch.add_argument("--url", help="another address of the archive")

    corpus = _corpus_options()
    labeled = _Parser(add_help=False, parents=[corpus])
    labeled.add_argument("--task", choices=TASKS, help="which classes (default: that of the corpus)")
    _add_single(commands, corpus, labeled)

    task = _task_options(labeled)
    bench = _benchmark_options(task)
    fit = commands.add_parser("run", parents=[bench], help="fit what is missing, report, print the leaderboard")
    fit.add_argument("--models", help="comma-separated names (default: the usual ones; see `respbench list`)")
    fit.add_argument("--model", type=_path, action="append", default=[], help="a model file outside the clone")
    fit.add_argument(
        "--trials",
        type=trials,
        help="per model and fold, to tune it: none, quick (default; none with few labels, adapted or simulated), "
        "standard, thorough, or a number",
    )
    fit.add_argument(
        "--picked-on-test",
        action="store_true",
        help="store for each network, beside its fit, what it would predict had its epoch been picked on the test "
        "patients, to measure what that is worth",
    )
    _add_further_data(fit)

    parts = commands.add_parser("ablate", parents=[bench], help="the same for models with one part changed")
    parts.add_argument("--group", help="comma-separated groups of models/ablations.py (default: all)")
    parts.set_defaults(trials=0)  # what is compared must differ in one part alone

    _add_sharing(commands, task)
    again = commands.add_parser("report", help="write tables and figures again from the stored predictions")
    again.add_argument(
        "folder", type=_folder, nargs="?", default=RESULTS, help="results folder, or one report's folder"
    )

    _add_revisits(commands, corpus)
    _add_predict(commands)
    return options


def _add_single(commands: "argparse._SubParsersAction[_Parser]", corpus: _Parser, labeled: _Parser) -> None:
    """Commands on one whole corpus, which is not divided."""
    commands.add_parser("prepare", parents=[labeled], help="decode and check a corpus")
    commands.add_parser("explore", parents=[labeled], help="look at a corpus")
    start = commands.add_parser(
        "pretrain", parents=[corpus], help="train a network on a corpus, to start from elsewhere"
    )
    start.add_argument("--model", default="resnet-maps", help="name of the network (default: resnet-maps)")
    start.set_defaults(task="abnormal")


def _add_further_data(fit: _Parser) -> None:
    """Add the options of data beside the tested corpus."""
    fit.add_argument(
        "--other",
        choices=CORPORA,
        action="append",
        default=[],
        help=f"second corpus, of {', '.join(JOINING)}; given again: more that are trained on together, and then only "
        "--corpus is tested",
    )
    fit.add_argument(
        "--other-data", type=_path, action="append", default=[], help="its folder of recordings, or its manifest"
    )
    fit.add_argument("--unlabeled", type=_path, help="folder of recordings without annotation, to learn from")


def _add_sharing(commands: "argparse._SubParsersAction[_Parser]", task: _Parser) -> None:
    """Add the commands that exchange results with others."""
    divide = commands.add_parser("folds", parents=[task], help="write the folds of a protocol, to fit models elsewhere")
    divide.add_argument("--repeats", type=_count, default=1, help="number of seeds (default: 1)")
    divide.add_argument("--output", type=_path, default=Path("folds.csv"), help="CSV file (default: folds.csv)")

    elsewhere = commands.add_parser(
        "score", parents=[task], help="score out-of-fold predictions that were made elsewhere"
    )
    elsewhere.add_argument(
        "predictions", type=_path, help="CSV file: clip_id, a probability per class; optionally seed and fold"
    )
    elsewhere.add_argument("--name", default="", help="of its row (default: that of the file)")
    elsewhere.add_argument("--repeat", type=_number, help="seed of a file without the column seed (default: 0)")
    elsewhere.add_argument("--replace", action="store_true", help="put it in the place of predictions of the same name")

    two = commands.add_parser("compare", help="say what changed between two results folders, and what is beyond noise")
    two.add_argument("before", type=_folder, help="folder of one report")
    two.add_argument("after", type=_folder, help="folder of another one: same corpus, task and protocol")
    two.add_argument("--output", type=_path, help="Markdown file for the full page")


def _add_revisits(commands: "argparse._SubParsersAction[_Parser]", corpus: _Parser) -> None:
    """Add the commands that need both stored results and their corpus."""
    wrong = commands.add_parser("errors", parents=[corpus], help="draw the clips that the best models are wrong on")
    wrong.add_argument("folder", type=_folder, help="results folder, or one report's folder")
    wrong.add_argument("--listen", action="store_true", help="also write report-with-sound.html, which plays them")

    extraction = commands.add_parser("costs", parents=[corpus], help="measure what extracting features costs")
    extraction.add_argument("folder", type=_folder, help="results folder, or one report's folder")
    extraction.add_argument("--model", type=_path, action="append", default=[], help="a model file outside the clone")

    probing = commands.add_parser(
        "probe", parents=[corpus], help="guess device and patient from the features of models"
    )
    probing.add_argument("folder", type=_folder, help="results folder, or one report's folder")


def _add_predict(commands: "argparse._SubParsersAction[_Parser]") -> None:
    """Add the command that predicts recordings; its windows are cut from these, not from a corpus of movements."""
    one = commands.add_parser(
        "predict",
        parents=[_corpus_options(windows=False)],
        help="fit a model to a whole corpus once, and predict recordings; no medical device",
    )
    one.add_argument("model", help="name of one model (see `respbench list`), or the path of a model file")
    one.add_argument("recordings", type=_path, nargs="+", help="sound files; cycles of a .txt beside one are used")
    one.add_argument("--task", choices=TASKS, help="which classes (default: that of the corpus)")
    one.add_argument("--output", type=_folder, default=Path("predictions"), help="folder (default: predictions)")
    one.add_argument("--replace", action="store_true", help="replace predictions that the folder holds")
    one.add_argument(
        "--window", dest="cut_window", type=_seconds, help="s per window (default: annotated cycles, else 3)"
    )
    one.add_argument("--hop", dest="cut_hop", type=_seconds, help="s between windows (default: half a window)")
    one.add_argument("--whole", action="store_true", help="each file is one clip, such as a cycle that is cut already")
    one.add_argument("--protocol", default="patients-5fold", help="folds of the calibration (default: patients-5fold)")
    one.add_argument("--workers", type=_number, help="fits at once (default: one per core); 0 = in this process")
    one.set_defaults(window=0.0, hop=0.0)


def _corpus_options(windows: bool = True) -> _Parser:
    """Options of every command that opens a corpus; of movements only with ``windows``."""
    corpus = _Parser(add_help=False)
    corpus.add_argument("--corpus", choices=CORPORA, default=CORPORA[0], help="what to work on (default: simulated)")
    corpus.add_argument("--data", type=_path, help="folder of the recordings, or the manifest's CSV file")
    corpus.add_argument("--rate", type=int, help="analysis rate of sounds in Hz (default: 4000)")
    if windows:
        corpus.add_argument("--window", type=_seconds, default=0.0, help="s of movement per clip (default: all)")
        corpus.add_argument("--hop", type=_seconds, default=0.0, help="s between windows (default: half a window)")
    corpus.add_argument(
        "--leave-out-bad", action="store_true", help="leave out clips that can't be used, and list them"
    )
    corpus.add_argument("--patients", type=int, default=80, help="simulated patients (default: 80)")
    corpus.add_argument("--clips", type=int, default=10, help="clips of each simulated patient (default: 10)")
    corpus.add_argument("--difficulty", type=float, default=1.0, help="of the simulated corpus: 0 is easy (default: 1)")
    corpus.add_argument("--corpus-seed", type=int, default=0, help="seed of the simulated corpus (default: 0)")
    corpus.add_argument("--results", type=_folder, default=RESULTS, help="results folder (default: results)")
    return corpus


def _task_options(labeled: _Parser) -> _Parser:
    """Options of every command that divides a corpus."""
    task = _Parser(add_help=False, parents=[labeled])
    task.add_argument(
        "--protocol",
        default="patients-5fold",
        help=f"{PROTOCOLS} (default: patients-5fold)".replace("%", "%%"),
    )
    task.add_argument(
        "--folds", type=_path, help=f"CSV file of the protocol {STATED_FOLDS}: recording,fold or patient,fold"
    )
    return task


def _benchmark_options(task: _Parser) -> _Parser:
    """Options of every command that fits models."""
    bench = _Parser(add_help=False, parents=[task])
    bench.add_argument(
        "--repeats",
        type=_count,
        help="with other folds and weights (default: 10 for controls and fast baselines, 3 for networks, with few "
        "labels and adapted; 1 if simulated)",
    )
    bench.add_argument("--seeds", dest="repeats", type=_count, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    bench.add_argument(
        "--workers",
        type=_number,
        help="fits at once, each in a process of its own (default: one per core); 0 = in this process, for debuggers",
    )
    bench.add_argument(
        "--backend", choices=tuple(map(str, Backend)), default=str(Backend.PROCESSES), help="(default: processes)"
    )
    bench.add_argument("--scheduler", help="address of a Dask scheduler (default: a cluster on this machine)")
    bench.add_argument("--fit-timeout", type=_seconds, help="s after which a fit or trial is given up (default: never)")
    return bench
