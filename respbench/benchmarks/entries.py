"""Commands about what there is to work on: ``respbench list | data | prepare | explore``. Imports nothing heavy."""

import argparse

from rich.console import Console

from respbench.benchmarks.opening import open_prepared


def list_entries(options: argparse.Namespace, console: Console) -> int:
    """``respbench list``: print models, corpora, tasks and protocols."""
    from respbench.corpora.choices import CORPORA, PROTOCOLS, TASKS
    from respbench.features.encoders.catalog import ENCODERS
    from respbench.models.ablations import ABLATIONS
    from respbench.models.encoder_entries import PROBES
    from respbench.models.registry import REGISTRY
    from respbench.models.semi_supervised.entries import BACKBONES, SEMI_SUPERVISED

    alone = [spec for spec in REGISTRY.values() if not {"backbone", "encoder"} & spec.overrides.keys()]
    width = max(len(name) for name in (*(spec.name for spec in alone), *SEMI_SUPERVISED))
    console.print("models", style="bold")
    for spec in alone:
        only = " (only when named)" if spec.optional else ""
        console.print(f"  {spec.name:{width}} {spec.kind:8} {spec.source}{only}")
    over = ", ".join(f"-{backbone}" for backbone in BACKBONES)
    console.print(f"semi-supervised methods: a name below and a backbone ({over}); supervised-… is their baseline")
    for name, (_, source) in SEMI_SUPERVISED.items():
        console.print(f"  {name:{width}} {source}")
    probes = " or ".join(f"-{probe}" for probe in PROBES)
    console.print(
        f"probes of pretrained encoders, only when named: a name below and {probes}, or -fine-tuned; "
        "see `respbench encoders`"
    )
    for card in ENCODERS.values():
        console.print(f"  {card.name:{width}} {card.source}, {card.license}")
    for what, names in (("ablations", ABLATIONS), ("corpora", CORPORA), ("tasks", TASKS), ("protocols", (PROTOCOLS,))):
        console.print(f"{what:10} {', '.join(names)}")
    return 0


def data(options: argparse.Namespace, console: Console) -> int:
    """``respbench data``: fetch the ICBHI 2017 database."""
    from respbench.corpora.catalog import ICBHI_FOLDER
    from respbench.corpora.download.icbhi import ICBHI_URL, download_icbhi

    download_icbhi(options.folder or ICBHI_FOLDER, options.url or ICBHI_URL)
    return 0


def prepare(options: argparse.Namespace, console: Console) -> int:
    """``respbench prepare``: decode a corpus, check it, and count its clips."""
    prepared = open_prepared(options, console)
    clips, facts = prepared.clips(), prepared.facts()
    console.print(facts.description)
    counts = ", ".join(f"{(clips.label == i).sum()} {name}" for i, name in enumerate(clips.classes))
    people = f"{len(set(clips.patient.tolist()))} {facts.person}s"
    console.print(f"{len(clips)} clips of {people}, {clips.seconds.sum() / 3600:.2f} h at {clips.rate} Hz: {counts}")
    if facts.left_out:
        console.print(f"{facts.unusable}; see {prepared.folder}")
    return 0


def explore(options: argparse.Namespace, console: Console) -> int:
    """``respbench explore``: draw a corpus."""
    from respbench.benchmarks.report.explore import explore as look
    from respbench.corpora.choices import RECORDING_TASKS

    prepared = open_prepared(options, console)
    unit = "explore-recordings" if options.task in RECORDING_TASKS else "explore"
    page = look(prepared, options.results / prepared.facts().name / unit)
    console.print(f"Look at {page}")
    return 0
