"""``respbench predict``: class probabilities of recordings, by a model that is fitted once to a whole corpus."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from respbench.benchmarks.execution.pool import Engine, cpu_count
from respbench.benchmarks.opening import open_prepared
from respbench.corpora.choices import MOTION_CORPORA, RECORDING_TASKS
from respbench.corpora.problems import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respbench.benchmarks.prediction.fitting import Request, WholeModel
    from respbench.benchmarks.prediction.page import Predictions
    from respbench.benchmarks.prediction.recordings import Recording
    from respbench.corpora.protocol import Protocol
    from respbench.models.spec import ModelSpec


def predict(options: argparse.Namespace, console: Console) -> int:
    """Fit a model unless it is kept, predict recordings, and write a CSV file and a page."""
    from respbench.benchmarks.prediction.fitting import Request, fit_whole
    from respbench.benchmarks.prediction.page import NO_DEVICE, refuse_existing, write_predictions
    from respbench.benchmarks.prediction.recordings import Cutting, read_recordings
    from respbench.corpora import catalog
    from respbench.models.selection import suited

    if options.corpus in MOTION_CORPORA:
        raise InputError(f"{options.corpus} holds movements, and predict takes sounds; choose another --corpus")
    refuse_existing(options.output, options.replace)
    whole = options.whole or options.task in RECORDING_TASKS
    cutting = Cutting(window=options.cut_window, hop=options.cut_hop, whole=whole)
    spec, protocol = _model(options.model), _protocol(options.protocol)
    # Bad recordings are refused before minutes of decoding a corpus and of fitting.
    recordings = read_recordings(options.recordings, options.rate or catalog.RATE, cutting)
    prepared = open_prepared(options, console)
    suited([spec], prepared.facts(), named=True)
    request = Request(
        prepared=prepared,
        task=options.task,
        protocol=protocol,
        cache=catalog.CACHE,
        results=options.results,
        engine=Engine(workers=cpu_count() if options.workers is None else options.workers),
    )
    model = fit_whole(spec, request, console)
    page = write_predictions(options.output, _predictions(recordings, model, request))
    console.print(f"{page}")
    console.print(NO_DEVICE)
    return 0


def _model(name: str) -> "ModelSpec":
    """One entry of the registry, or a model file outside the clone."""
    from respbench.models.selection import find

    file = name.endswith(".py")
    specs = find("" if file else name, (Path(name).expanduser(),) if file else ())
    if len(specs) > 1:
        raise InputError(f"{name} are {len(specs)} models; name one, and choose another --output for each further one")
    return specs[0]


def _protocol(name: str) -> "Protocol":
    """A protocol that predicts every patient by models that were fitted to others."""
    from respbench.corpora.protocol import Kind
    from respbench.corpora.protocols import find

    protocol = find(name)
    if protocol.kind != Kind.PATIENTS or protocol.labeled_percent is not None:
        raise InputError(f"{name} can't calibrate a model; set --protocol patients-5fold, or another number of folds")
    return protocol


def _predictions(recordings: "Sequence[Recording]", model: "WholeModel", request: "Request") -> "Predictions":
    """Predict all clips at once, and gather what the page says about them."""
    from respbench.benchmarks.prediction.differences import Training
    from respbench.benchmarks.prediction.page import Predicted, Predictions
    from respbench.benchmarks.prediction.performance import performances
    from respbench.benchmarks.prediction.recordings import clips_of

    corpus = request.clips
    probabilities = model.predict(clips_of(recordings, corpus))
    predicted, first = [], 0
    for recording in recordings:
        last = first + len(recording.spans)
        predicted.append(Predicted(recording=recording, probabilities=probabilities[first:last]))
        first = last
    return Predictions(
        predicted=predicted,
        classes=corpus.classes,
        model=model,
        corpus=request.prepared.facts(),
        task=request.task,
        training=Training.of(corpus),
        performances=performances(model, request),
    )
