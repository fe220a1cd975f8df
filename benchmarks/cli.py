"""The command line: ``respbench list | data | prepare | explore | run | ablate | report``."""

import argparse
import errno
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.execution.pool import Backend, Engine, cpu_count
from benchmarks.execution.signals import listening
from benchmarks.options import TRIALS, parse
from corpora.problems import InputError

if TYPE_CHECKING:
    from corpora.prepare import Prepared
    from corpora.protocols import Protocol
    from models.spec import ModelSpec

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = a model failed, 2 = the input or the request is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal's encoding lacks becomes a question mark
    console = Console(soft_wrap=True, markup=False, highlight=False)  # paths may hold square brackets
    try:
        options = parse(arguments)
        with listening():
            return COMMANDS[options.command](options, console)
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
    """``respbench list``: print models, corpora, tasks and protocols."""
    from corpora.choices import CORPORA, PROTOCOLS, TASKS
    from models.ablations import ABLATIONS
    from models.registry import BACKBONES, REGISTRY, SEMI_SUPERVISED

    alone = [spec for spec in REGISTRY.values() if "backbone" not in spec.overrides]
    width = max(len(name) for name in (*(spec.name for spec in alone), *SEMI_SUPERVISED))
    console.print("models", style="bold")
    for spec in alone:
        only = " (only when named)" if spec.optional else ""
        console.print(f"  {spec.name:{width}} {spec.kind:8} {spec.source}{only}")
    over = ", ".join(f"-{backbone}" for backbone in BACKBONES)
    console.print(f"semi-supervised methods: a name below and a backbone ({over}); supervised-… is their baseline")
    for name, (_, source) in SEMI_SUPERVISED.items():
        console.print(f"  {name:{width}} {source}")
    for what, names in (("ablations", ABLATIONS), ("corpora", CORPORA), ("tasks", TASKS), ("protocols", (PROTOCOLS,))):
        console.print(f"{what:10} {', '.join(names)}")
    return 0


def data(options: argparse.Namespace, console: Console) -> int:
    """``respbench data``: fetch the ICBHI 2017 database."""
    from corpora.catalog import ICBHI_FOLDER
    from corpora.download.icbhi import ICBHI_URL, download_icbhi

    download_icbhi(options.folder or ICBHI_FOLDER, options.url or ICBHI_URL)
    return 0


def prepare(options: argparse.Namespace, console: Console) -> int:
    """``respbench prepare``: decode a corpus, check it, and count its clips."""
    prepared = _open(options, console)
    clips, facts = prepared.clips(), prepared.facts()
    console.print(facts.description)
    counts = ", ".join(f"{(clips.label == i).sum()} {name}" for i, name in enumerate(clips.classes))
    console.print(
        f"{len(clips)} clips of {len(set(clips.patient.tolist()))} patients, {clips.seconds.sum() / 3600:.2f} h at "
        f"{clips.rate} Hz: {counts}"
    )
    if facts.left_out:
        console.print(f"{facts.left_out} clips were left out; see {prepared.folder / 'left_out.csv'}")
    return 0


def explore(options: argparse.Namespace, console: Console) -> int:
    """``respbench explore``: draw a corpus."""
    from benchmarks.report.explore import explore as look

    prepared = _open(options, console)
    page = look(prepared, options.results / prepared.facts().name / "explore")
    console.print(f"Look at {page}")
    return 0


def run(options: argparse.Namespace, console: Console) -> int:
    """``respbench run``: fit what is missing, write the report, print the leaderboard."""
    from corpora.choices import CROSS_CORPUS
    from corpora.protocols import find as find_protocol
    from models.registry import find as find_models
    from models.registry import usual

    if options.protocol == CROSS_CORPUS:
        return _cross(options, console, find_models(options.models, tuple(options.model)))
    protocol = find_protocol(options.protocol)
    if options.other or options.other_data:
        raise InputError(
            f"a second corpus goes with the protocol {CROSS_CORPUS} only, not with {protocol.name}; set --protocol "
            f"{CROSS_CORPUS}, or leave out --other and --other-data (PROTOCOL, OTHER and OTHER_DATA for make)"
        )
    few_labels = protocol.few_labels or options.unlabeled is not None
    specs = find_models(usual(few_labels) if options.models is None else options.models, tuple(options.model))
    if options.unlabeled is not None:
        return _with_unlabeled(options, console, protocol, specs)
    return _fit_and_report(options, console, _open(options, console), protocol, specs)


def _with_unlabeled(
    options: argparse.Namespace, console: Console, protocol: "Protocol", specs: "Sequence[ModelSpec]"
) -> int:
    """Fit and report with recordings of the user's own, which go unlabeled into every fold."""
    from benchmarks.execution.progress import Display
    from corpora.catalog import open_with_unlabeled
    from corpora.splits.with_unlabeled import WithUnlabeled
    from corpora.unlabeled import read_unlabeled

    if not any(spec.unlabeled for spec in specs):
        raise InputError(
            "none of the models learns from unlabeled clips; name one that does with --models (`respbench list` shows "
            "them), or leave out --unlabeled (MODELS and UNLABELED for make)"
        )
    recordings = read_unlabeled(options.unlabeled)
    corpus = _open(options, console)
    with Display(console) as display:
        prepared = open_with_unlabeled(corpus, recordings, leave_out_bad=options.leave_out_bad, progress=display.step)
    console.print(prepared.facts().description)
    return _fit_and_report(
        options, console, prepared, replace(protocol, splitter=WithUnlabeled(protocol.splitter)), specs
    )


def _cross(options: argparse.Namespace, console: Console, specs: "Sequence[ModelSpec]") -> int:
    """Fit on one corpus and test the other, in both directions."""
    from benchmarks.execution.jobs import folds_of
    from corpora.catalog import NEEDED, open_both
    from corpora.protocols import trained_on

    if options.unlabeled is not None:
        raise InputError(
            f"unlabeled recordings go with every protocol but {options.protocol}; leave out --unlabeled (UNLABELED for "
            "make), or choose another protocol"
        )
    if not options.other:
        raise InputError(
            f"the protocol {options.protocol} needs a second corpus; name it with --other, and where it lies with "
            "--other-data (OTHER and OTHER_DATA for make)"
        )
    if options.other == options.corpus != "manifest":
        raise InputError(
            f"{options.corpus} can't be trained on and tested at once by {options.protocol}; choose two different "
            "corpora, or the protocol patients-5fold"
        )
    if options.other == "simulated" and options.other_data:
        raise InputError("OTHER=simulated takes no OTHER_DATA; leave it out")
    if options.other in NEEDED and not options.other_data:
        raise InputError(f"OTHER={options.other} needs OTHER_DATA={NEEDED[options.other]}")
    parts = _open(options, console), _open(options, console, options.other, options.other_data)
    tests = [(one, trained_on(part.facts().name)) for one, part in zip(open_both(*parts), parts[::-1], strict=True)]
    for prepared, protocol in tests:
        folds_of(prepared, options.task, protocol, 0)  # fails before anything is fitted
    return max([_fit_and_report(options, console, prepared, protocol, specs) for prepared, protocol in tests])


def ablate(options: argparse.Namespace, console: Console) -> int:
    """``respbench ablate``: fit models with one part changed, in a folder of their own."""
    from corpora.protocols import find as find_protocol
    from models.ablations import find_ablations, models_of

    protocol = find_protocol(options.protocol).for_ablation()
    specs = models_of(find_ablations(options.group).values())
    return _fit_and_report(options, console, _open(options, console), protocol, specs)


def _fit_and_report(
    options: argparse.Namespace,
    console: Console,
    prepared: "Prepared",
    protocol: "Protocol",
    specs: "Sequence[ModelSpec]",
) -> int:
    from benchmarks.plan import Plan
    from benchmarks.report.page import write_report
    from benchmarks.run import run as run_plan
    from benchmarks.tuning.study import tuned_name

    repeats = options.repeats or (1 if prepared.facts().simulated else 3)
    few_labels = protocol.few_labels or getattr(options, "unlabeled", None) is not None
    trials = options.trials if options.trials is not None else 0 if few_labels else TRIALS
    engine = Engine(
        workers=options.workers or cpu_count(),
        backend=Backend(options.backend),
        scheduler=options.scheduler,
        timeout=options.fit_timeout,
    )
    plan = Plan(
        prepared=prepared,
        task=options.task,
        protocol=protocol,
        specs=tuple(specs),
        repeats=repeats,
        results=options.results,
        trials=trials,
        engine=engine,
    )
    store = run_plan(plan, console)
    report = write_report(store)
    console.print(report.summary)
    console.print(f"The full report: {report.page}")
    names = {name for spec in specs for name in (spec.name, tuned_name(spec.name))}
    failures = [fit for fit in store.failures() if fit.model in names and fit.seed < repeats]
    if failures:
        models = ", ".join(sorted({fit.model for fit in failures}))
        console.print(f"{models} failed in {len(failures)} fits; see {store.folder / 'failures'}")
    return 1 if failures else 0


def report(options: argparse.Namespace, console: Console) -> int:
    """``respbench report``: write the tables and figures of results folders again, from the stored predictions."""
    import joblib

    from benchmarks.report.index import write_index
    from benchmarks.report.label_efficiency import budget_of, write_label_efficiency
    from benchmarks.report.page import write_page
    from corpora.protocols import of_folder

    results = options.folder.resolve()  # names of folders count, also those above it
    runs = sorted({path.parents[2] for path in results.rglob("runs/*/seed*-fold*.json")})
    if not runs:
        raise InputError(f"{options.folder} holds no stored runs; run `respbench run` first, or name another folder")
    parallel = joblib.Parallel(n_jobs=min(len(runs), joblib.cpu_count()), return_as="generator")
    crossings = [folder for folder in runs if (protocol := of_folder(folder.name)) and protocol.trained_on]
    # Across corpora last: their pages show numbers of the in-corpus report beside them.
    for folders in ([folder for folder in runs if folder not in crossings], crossings):
        for page in parallel(joblib.delayed(write_page)(folder) for folder in folders):
            console.print(f"{page}")
    for folder in sorted({folder.parent for folder in runs if budget_of(folder)}):
        write_label_efficiency(folder)
    if results in {folder.parents[2] for folder in runs}:
        write_index(results)
    return 0


def _open(
    options: argparse.Namespace, console: Console, corpus: str | None = None, data: Path | None = None
) -> "Prepared":
    """Prepare the corpus of the options, or another one with the same options."""
    from benchmarks.execution.progress import Display
    from corpora.catalog import open_corpus
    from corpora.simulated.simulation import Simulation

    simulation = Simulation(
        patients=options.patients,
        clips_per_patient=options.clips,
        difficulty=options.difficulty,
        seed=options.corpus_seed,
    )
    with Display(console) as display:
        return open_corpus(
            corpus or options.corpus,
            data if corpus else options.data,
            rate=options.rate,
            simulation=simulation,
            leave_out_bad=options.leave_out_bad,
            progress=display.step,
        )


COMMANDS = {
    "list": list_entries,
    "data": data,
    "prepare": prepare,
    "explore": explore,
    "run": run,
    "ablate": ablate,
    "report": report,
}
