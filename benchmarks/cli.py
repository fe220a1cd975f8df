"""The command line: ``respbench list | data | prepare | explore | run | report``."""

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path

import joblib
from rich.console import Console

from benchmarks.interruption import listening
from corpora.prepare import Prepared
from corpora.problems import InputError

RESULTS = Path("results")
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = a model failed, 2 = the input or the request must be mended."""
    console = Console(soft_wrap=True)
    options = _parser().parse_args(arguments)
    try:
        with listening():
            status: int = options.command(options, console)
        return status
    except InputError as problem:
        print(f"respbench: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        print(
            f"respbench: {error.filename or 'a file'} can't be written ({error.strerror}); free some space or check "
            "its permissions, then run the same command again: what is finished is kept",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nrespbench: interrupted; what is finished is kept, run the same command to go on", file=sys.stderr)
        return INTERRUPTED


def list_entries(options: argparse.Namespace, console: Console) -> int:
    """``respbench list``: what there is to choose from."""
    from corpora.catalog import CORPORA
    from corpora.tasks import TASKS
    from models.registry import REGISTRY

    console.print("models", style="bold")
    for spec in REGISTRY.values():
        console.print(f"  {spec.name:12} {spec.kind:9} {spec.source}", highlight=False)
    console.print(f"corpora    {', '.join(CORPORA)}", highlight=False)
    console.print(f"tasks      {', '.join(TASKS)}", highlight=False)
    console.print("protocols  patients-5fold, official, random-5fold (leaky)", highlight=False)
    return 0


def data(options: argparse.Namespace, console: Console) -> int:
    """``respbench data``: fetch the ICBHI 2017 database."""
    from corpora.catalog import ICBHI_FOLDER
    from corpora.download import ICBHI_URL, download_icbhi

    download_icbhi(options.folder or ICBHI_FOLDER, options.url or ICBHI_URL)
    return 0


def prepare(options: argparse.Namespace, console: Console) -> int:
    """``respbench prepare``: decode a corpus, check it, and say what is in it."""
    prepared = _open(options, console)
    clips, facts = prepared.clips(), prepared.facts()
    console.print(f"{facts['description']}", highlight=False)
    counts = ", ".join(f"{(clips.label == i).sum()} {name}" for i, name in enumerate(clips.classes))
    console.print(
        f"{len(clips)} clips of {len(set(clips.patient.tolist()))} patients, {clips.seconds.sum() / 3600:.2f} h at "
        f"{clips.rate} Hz: {counts}",
        highlight=False,
    )
    if facts["left_out"]:
        console.print(f"{facts['left_out']} clips were left out; see {prepared.folder / 'left_out.csv'}")
    return 0


def explore(options: argparse.Namespace, console: Console) -> int:
    """``respbench explore``: look at a corpus before anything is trained."""
    from benchmarks.explore import explore as look

    prepared = _open(options, console)
    page = look(prepared, options.results / str(prepared.facts()["name"]) / "explore")
    console.print(f"Look at {page}")
    return 0


def run(options: argparse.Namespace, console: Console) -> int:
    """``respbench run``: fit what is missing, write the report, print the leaderboard."""
    from benchmarks.protocols import find as find_protocol
    from benchmarks.report import write_report
    from benchmarks.run import Plan
    from benchmarks.run import run as run_plan
    from models.registry import find as find_models

    protocol = find_protocol(options.protocol)
    specs = find_models(options.models, tuple(options.model))
    prepared = _open(options, console)
    seeds = options.seeds if options.seeds is not None else (1 if prepared.facts()["simulated"] else 3)
    plan = Plan(prepared, options.task, protocol, tuple(specs), seeds, options.results, options.workers)
    store = run_plan(plan, console)
    report = write_report(store)
    console.print(report.summary)
    console.print(f"The full report: {report.page}", highlight=False)
    names = {spec.name for spec in specs}
    failures = [fit for fit in store.failures() if fit.model in names and fit.seed < seeds]
    if failures:
        models = ", ".join(sorted({fit.model for fit in failures}))
        console.print(f"{models} failed in {len(failures)} fits; see {store.folder / 'failures'}", highlight=False)
    return 1 if failures else 0


def report(options: argparse.Namespace, console: Console) -> int:
    """``respbench report``: write the tables and figures of results folders again, from the stored predictions."""
    from benchmarks.report import write_index, write_report
    from benchmarks.store import Store

    runs = sorted({path.parents[2] for path in options.folder.rglob("runs/*/seed*-fold*.json")})
    if not runs:
        raise InputError(f"{options.folder} holds no stored runs; run `respbench run` first, or name another folder")
    for folder in runs:
        console.print(f"{write_report(Store(folder)).page}", highlight=False)
    if options.folder.resolve() not in {folder.resolve() for folder in runs}:
        write_index(options.folder)
    return 0


def _open(options: argparse.Namespace, console: Console) -> Prepared:
    from benchmarks.progress import Display
    from corpora.catalog import open_corpus
    from corpora.simulated import Simulation

    simulation = Simulation(options.patients, options.clips, options.difficulty, options.corpus_seed)
    with Display(console) as display:
        return open_corpus(
            options.corpus,
            options.data,
            rate=options.rate,
            simulation=simulation,
            leave_out_bad=options.leave_out_bad,
            progress=display.step,
        )


def _path(text: str) -> Path:
    """A path as the user means it: make and some shells hand over ``~`` as it is."""
    return Path(text).expanduser()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="respbench", description="An honest benchmark of respiratory-sound classification."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    commands.add_parser("list", help="show models, corpora, tasks and protocols").set_defaults(command=list_entries)

    fetch = commands.add_parser("data", help="fetch the ICBHI 2017 database (1.9 GB)")
    fetch.add_argument("--folder", type=_path, help="where to put it (default: data/ICBHI_final_database)")
    fetch.add_argument("--url", help="another address of the archive")
    fetch.set_defaults(command=data)

    corpus = argparse.ArgumentParser(add_help=False)
    corpus.add_argument("--corpus", default="simulated", help="simulated (default), icbhi or manifest")
    corpus.add_argument("--data", type=_path, help="folder of the recordings, or the manifest's CSV file")
    corpus.add_argument("--rate", type=int, default=4000, help="analysis rate in Hz (default: 4000)")
    corpus.add_argument(
        "--leave-out-bad", action="store_true", help="leave out clips that can't be used, and list them"
    )
    corpus.add_argument("--patients", type=int, default=100, help="simulated patients (default: 100)")
    corpus.add_argument("--clips", type=int, default=10, help="clips of each simulated patient (default: 10)")
    corpus.add_argument("--difficulty", type=float, default=1.0, help="of the simulated corpus: 0 is easy (default: 1)")
    corpus.add_argument("--corpus-seed", type=int, default=0, help="seed of the simulated corpus (default: 0)")
    corpus.add_argument("--results", type=_path, default=RESULTS, help="results folder (default: results)")

    commands.add_parser("prepare", parents=[corpus], help="decode and check a corpus").set_defaults(command=prepare)
    commands.add_parser("explore", parents=[corpus], help="look at a corpus").set_defaults(command=explore)

    bench = commands.add_parser("run", parents=[corpus], help="fit what is missing, report, print the leaderboard")
    bench.add_argument("--task", default="abnormal", help="abnormal (default) or four-class")
    bench.add_argument("--protocol", default="patients-5fold", help="patients-5fold (default), official, random-5fold")
    bench.add_argument("--models", help="comma-separated names (default: all; see `respbench list`)")
    bench.add_argument("--model", type=_path, action="append", default=[], help="a model file outside the clone")
    bench.add_argument("--seeds", type=int, help="repetitions (default: 1 on the simulated corpus, else 3)")
    bench.add_argument("--workers", type=int, default=joblib.cpu_count(), help="fits at once (default: one a core)")
    bench.set_defaults(command=run)

    again = commands.add_parser("report", help="write tables and figures again from the stored predictions")
    again.add_argument("folder", type=_path, nargs="?", default=RESULTS, help="results folder, or one report's folder")
    again.set_defaults(command=report)
    return parser
