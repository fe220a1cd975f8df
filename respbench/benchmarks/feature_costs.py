"""Measure the feature extraction of every model of a results folder whose cost isn't stored yet; nothing is fitted
again.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console

from respbench.benchmarks.execution.feature_costs import FeatureCostJob
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.pool import Engine, Executor
from respbench.benchmarks.execution.progress import Display
from respbench.benchmarks.opening import require_same_corpus, stored_reports
from respbench.benchmarks.storage.feature_costs import FeatureCost, read_feature_costs, write_feature_costs
from respbench.benchmarks.storage.identity import model_identity
from respbench.benchmarks.storage.store import Store
from respbench.corpora.prepared.prepare import Prepared
from respbench.models.ablations import find_ablations, models_of
from respbench.models.registry import REGISTRY
from respbench.models.selection import from_file
from respbench.models.spec import ModelKind, ModelSpec


def measure_feature_costs(
    prepared: Prepared,
    task: str,
    specs: Iterable[ModelSpec],
    folder: Path,
    console: Console,
    engine: Engine,
) -> None:
    """Measure models that have no stored cost or one of other code, one after another.

    They are measured in this process, unless one is a file of the user's, which may crash.

    Args:
        prepared: the corpus.
        task: name of the task.
        specs: the models; ensembles are skipped, since they cost what their members cost.
        folder: the results folder.
        console: shows how it goes, and what can't be measured.
        engine: of the run, whose timeout a measurement has, too.

    Raises:
        InputError: the stored costs are damaged, or can't be written.
    """
    stored = read_feature_costs(folder)
    missing = [spec for spec in specs if spec.kind != ModelKind.ENSEMBLE and not _is_current(spec, stored)]
    if not missing:
        return
    jobs = [FeatureCostJob(prepared, task, spec, folder) for spec in missing]
    finished = 0

    def show(result: JobResult) -> None:
        nonlocal finished
        finished += 1
        if result.error:
            display.say(f"the feature extraction of {result.name} can't be measured: {result.error}")
        display.step("costs of feature extraction", finished, len(jobs))

    own = any(spec.kind == ModelKind.OWN for spec in missing)
    one = Engine(workers=min(own, engine.workers), timeout=engine.timeout)
    with Display(console) as display, Executor(one, display.say) as executor:
        display.step("costs of feature extraction", 0, len(jobs))
        executor.run(jobs, show)


def measure_stored(folder: Path, prepared: Prepared, files: tuple[Path, ...], console: Console) -> list[Store]:
    """Measure the feature extraction of the models of one or more results folders.

    Args:
        folder: a results folder, or one above several; a model is measured once for all of them.
        prepared: the corpus that they come from.
        files: model files outside the clone.
        console: shows how it goes.

    Returns:
        The results folders.

    Raises:
        InputError: a folder holds results of another corpus, or can't be written.
    """
    ablations = models_of(find_ablations().values())
    known = {spec.name: spec for spec in [*ablations, *REGISTRY.values(), *map(from_file, files)]}
    measured: dict[str, dict[str, FeatureCost]] = {}
    stores = stored_reports(folder)
    for store in stores:
        require_same_corpus(store, prepared)
    for store in stores:
        records = {key.model: record for key in store.fits() if (record := store.record(key))}
        names = {record.untuned or name for name, record in records.items()}
        for name in sorted(names - known.keys()):
            console.print(f"{name} is no model of the registry; name its file with --model to measure it.")
        (task,) = {record.task for record in records.values()}
        shared = {name: cost for name, cost in measured.setdefault(task, {}).items() if name in names}
        write_feature_costs(store.folder, {**read_feature_costs(store.folder), **shared})
        specs = [known[name] for name in sorted(names & known.keys())]
        measure_feature_costs(prepared, task, specs, store.folder, console, Engine(workers=1))
        measured[task] |= {
            spec.name: cost for spec in specs if (cost := read_feature_costs(store.folder).get(spec.name))
        }
    return stores


def _is_current(spec: ModelSpec, stored: Mapping[str, FeatureCost]) -> bool:
    return spec.name in stored and stored[spec.name].identity == model_identity(spec)
