"""The command line of respbench: each command parses its request, has it done and reports how it went."""

import argparse
import errno
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import TextIOWrapper
from typing import TYPE_CHECKING

from rich.console import Console

from respbench.benchmarks.encoders import encoders
from respbench.benchmarks.entries import data, explore, list_entries, prepare
from respbench.benchmarks.execution.pool import Backend, Engine, cpu_count
from respbench.benchmarks.execution.progress import Output
from respbench.benchmarks.execution.signals import interrupted, listening
from respbench.benchmarks.make_words import without_make
from respbench.benchmarks.opening import (
    open_directions,
    open_of_reports,
    open_prepared,
    require_same_corpus,
    stored_reports,
)
from respbench.benchmarks.options import TRIALS, parse
from respbench.benchmarks.predict import predict
from respbench.benchmarks.pretrain import pretrain
from respbench.benchmarks.sharing import compare, folds
from respbench.corpora.places import IN_CLONE
from respbench.corpora.problems import InputError, printable

if TYPE_CHECKING:
    from respbench.corpora.prepared.prepare import Prepared
    from respbench.corpora.protocol import Protocol
    from respbench.models.spec import ModelSpec

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""

REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}
"""Errors of a full disk or a folder that can't be written."""
KEPT = "interrupted; what is finished is kept, run the same command to go on"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = a model failed, 2 = the input or the request is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what the terminal's encoding lacks becomes a question mark
    console = Output(soft_wrap=True, markup=False, highlight=False)
    try:
        options = parse(arguments)
        with listening():
            return COMMANDS[options.command](options, console)
    except InputError as problem:
        return _end(2, console.words(str(problem)))
    except KeyboardInterrupt:
        return _end(INTERRUPTED, KEPT)
    except Exception as error:
        if interrupted():  # while a module was imported, say, or a terminal that is closed by now was written to
            return _end(INTERRUPTED, KEPT)
        if not (isinstance(error, OSError) and error.errno in REFUSED):
            raise
        return _end(
            2,
            f"{error.filename or 'a file'} can't be written ({error.strerror}); free some space or check its "
            "permissions, then run the same command again: what is finished is kept",
        )


def _end(status: int, sentence: str) -> int:
    with suppress(OSError):  # of a terminal that is closed
        behind = "\n" * (status == INTERRUPTED)  # the terminal's ^C
        print(f"{behind}respbench: {printable(sentence if IN_CLONE else without_make(sentence))}", file=sys.stderr)
    return status


def run(options: argparse.Namespace, console: Console) -> int:
    """``respbench run``: fit what is missing, write the report, print the leaderboard."""
    from respbench.corpora.choices import JOINING
    from respbench.corpora.protocols import find as find_protocol
    from respbench.models.selection import find as find_models
    from respbench.models.selection import usual

    if options.protocol in JOINING:
        return _run_joined(options, console)
    protocol = find_protocol(options.protocol, options.folds)
    if options.other or options.other_data:
        raise InputError(
            f"a second corpus goes with the protocols {', '.join(JOINING)} only, not with {protocol.name}; set one of "
            "these, or leave out --other and --other-data (PROTOCOL, OTHER and OTHER_DATA for make)"
        )
    few_labels = protocol.few_labels or options.unlabeled is not None
    specs = find_models(usual(few_labels) if options.models is None else options.models, tuple(options.model))
    if options.unlabeled is not None:
        return _with_unlabeled(options, console, protocol, specs)
    return _fit_and_report(options, console, open_prepared(options, console), protocol, specs)


def _with_unlabeled(
    options: argparse.Namespace, console: Console, protocol: "Protocol", specs: "Sequence[ModelSpec]"
) -> int:
    """Fit and report with recordings of the user's own, which go unlabeled into every fold."""
    from respbench.benchmarks.execution.progress import Display
    from respbench.corpora.catalog import open_with_unlabeled
    from respbench.corpora.splits.with_unlabeled import WithUnlabeled
    from respbench.corpora.unlabeled import read_unlabeled

    if not any(spec.unlabeled for spec in specs):
        raise InputError(
            "none of the models learns from unlabeled clips; name one that does with --models (`respbench list` shows "
            "them), or leave out --unlabeled (MODELS and UNLABELED for make)"
        )
    recordings = read_unlabeled(options.unlabeled)
    corpus = open_prepared(options, console)
    with Display(console) as display:
        prepared = open_with_unlabeled(corpus, recordings, leave_out_bad=options.leave_out_bad, progress=display.step)
    console.print(prepared.facts().description)
    return _fit_and_report(
        options, console, prepared, replace(protocol, splitter=WithUnlabeled(protocol.splitter)), specs
    )


def _run_joined(options: argparse.Namespace, console: Console) -> int:
    """Run a protocol that joins corpora: of two, each is tested in turn."""
    from respbench.corpora.choices import CROSS_CORPUS_ADAPTED
    from respbench.models.selection import find as find_models
    from respbench.models.selection import usual

    names = usual(adapted=options.protocol == CROSS_CORPUS_ADAPTED) if options.models is None else options.models
    specs = find_models(names, tuple(options.model))
    tests = open_directions(options, console)
    return max([_fit_and_report(options, console, prepared, protocol, specs) for prepared, protocol in tests])


def ablate(options: argparse.Namespace, console: Console) -> int:
    """``respbench ablate``: fit models with one part changed, in a folder of their own."""
    from respbench.corpora.protocols import find as find_protocol
    from respbench.models.ablations import find_ablations, models_of

    protocol = find_protocol(options.protocol, options.folds).for_ablation()
    specs = models_of(find_ablations(options.group).values())
    return _fit_and_report(options, console, open_prepared(options, console), protocol, specs)


def _fit_and_report(
    options: argparse.Namespace,
    console: Console,
    prepared: "Prepared",
    protocol: "Protocol",
    specs: "Sequence[ModelSpec]",
) -> int:
    from respbench.benchmarks.plan import Plan
    from respbench.benchmarks.report.pages import write_report
    from respbench.benchmarks.run import run as run_plan
    from respbench.benchmarks.tuning.study import tuned_name
    from respbench.models.selection import suited

    specs, remarks = suited(specs, prepared.facts(), named=getattr(options, "models", None) is not None)
    for sentence in remarks:
        console.print(sentence)
    few_labels = protocol.few_labels or getattr(options, "unlabeled", None) is not None
    untuned = few_labels or protocol.adapted or prepared.facts().simulated
    trials = options.trials if options.trials is not None else 0 if untuned else TRIALS
    engine = Engine(
        workers=cpu_count() if options.workers is None else options.workers,
        backend=Backend(options.backend),
        scheduler=options.scheduler,
        timeout=options.fit_timeout,
    )
    plan = Plan(
        prepared=prepared,
        task=options.task,
        protocol=protocol,
        specs=tuple(specs),
        results=options.results,
        repeats=options.repeats,
        picked_on_test=getattr(options, "picked_on_test", False),
        trials=trials,
        engine=engine,
    )
    store = run_plan(plan, console)
    report = write_report(store, corpus=prepared)
    console.print(report.summary)
    console.print(f"The full report: {report.page}")
    repeats = {name: plan.repeats_of(spec) for spec in specs for name in (spec.name, tuned_name(spec.name))}
    failures = [fit for fit in store.failures() if fit.seed < repeats.get(fit.model, 0)]
    if failures:
        models = ", ".join(sorted({fit.model for fit in failures}))
        console.print(f"{models} failed in {len(failures)} fits; see {store.folder / 'failures'}")
    return 1 if failures else 0


def errors(options: argparse.Namespace, console: Console) -> int:
    """``respbench errors``: write reports again with the sounds that the best models are wrong on."""
    from respbench.benchmarks.report.pages import write_report
    from respbench.benchmarks.report.sounds import SOUND_PAGE

    prepared, stores = open_of_reports(options, console), stored_reports(options.folder)
    if options.listen and (facts := prepared.facts()).channels:
        raise InputError(f"nothing of the corpus {facts.name} can be heard; leave out --listen (LISTEN for make)")
    for store in stores:
        require_same_corpus(store, prepared)
    for store in stores:
        console.print(f"{write_report(store, corpus=prepared, listen=options.listen).page}")
        if options.listen:
            console.print(f"{store.folder / SOUND_PAGE} plays recordings of patients; keep it out of repositories.")
    return 0


def costs(options: argparse.Namespace, console: Console) -> int:
    """``respbench costs``: measure the feature extraction of the models of stored results."""
    from respbench.benchmarks.feature_costs import measure_stored
    from respbench.benchmarks.report.pages import write_report

    for store in measure_stored(options.folder, open_of_reports(options, console), tuple(options.model), console):
        console.print(f"{write_report(store).page}")
    return 0


def probe(options: argparse.Namespace, console: Console) -> int:
    """``respbench probe``: measure how well device and patient can be guessed from the features of stored models."""
    from respbench.benchmarks.probes import write_probes
    from respbench.benchmarks.report.pages import write_report

    for store in write_probes(options.folder, open_of_reports(options, console), console):
        console.print(f"{write_report(store).page}")
    return 0


def report(options: argparse.Namespace, console: Console) -> int:
    """``respbench report``: write the tables and figures of results folders again, from the stored predictions."""
    import joblib

    from respbench.benchmarks.report.generalization import write_generalization
    from respbench.benchmarks.report.index import write_index
    from respbench.benchmarks.report.label_efficiency import budget_of, write_label_efficiency
    from respbench.benchmarks.report.pages import write_page

    results = options.folder.resolve()  # names of folders count, also those above it
    stores = sorted(stored_reports(options.folder), key=lambda store: -len(store.fits()))  # so that none ends long last
    runs = [store.folder for store in stores]
    parallel = joblib.Parallel(n_jobs=min(len(runs), joblib.cpu_count()), return_as="generator")
    for page in parallel(joblib.delayed(write_page)(folder) for folder in runs):
        console.print(f"{page}")
    for folder in sorted({folder.parent for folder in runs if budget_of(folder)}):
        write_label_efficiency(folder)
    if results in {folder.parents[2] for folder in runs}:
        write_generalization(results)
        write_index(results)  # which links the page before
    return 0


def score(options: argparse.Namespace, console: Console) -> int:
    """``respbench score``: give predictions that were made elsewhere a row, and print the leaderboard with it."""
    from respbench.benchmarks.report.differences import differences_from
    from respbench.benchmarks.report.pages import write_report
    from respbench.benchmarks.score import Request
    from respbench.benchmarks.score import score as score_file
    from respbench.corpora.protocols import find as find_protocol

    request = Request(
        file=options.predictions,
        prepared=open_prepared(options, console),
        task=options.task,
        protocol=find_protocol(options.protocol, options.folds),
        results=options.results,
        name=options.name,
        repeat=options.repeat,
        replace=options.replace,
    )
    report = write_report(score_file(request))
    console.print(report.summary)
    console.print()
    console.print(differences_from(report.results, request.model))
    console.print(f"The full report: {report.page}")
    return 0


COMMANDS = {
    "list": list_entries,
    "encoders": encoders,
    "data": data,
    "prepare": prepare,
    "explore": explore,
    "pretrain": pretrain,
    "run": run,
    "ablate": ablate,
    "folds": folds,
    "score": score,
    "compare": compare,
    "report": report,
    "errors": errors,
    "costs": costs,
    "probe": probe,
    "predict": predict,
}
