"""Check the answer to an exercise: print ``pass``, or what is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from respbench.corpora.problems import InputError
from respbench.practical import exercises_clips, exercises_networks, exercises_results
from respbench.practical.answers import Answer, Wrong
from respbench.practical.setting import Setting

Check = Callable[[Answer, Setting], str]


@dataclass(frozen=True)
class Exercise:
    """What is to be handed in, and the function that judges it: it returns what was verified, or raises `Wrong`."""

    takes: str
    check: Check


EXERCISES = {
    "1a": Exercise("SECONDS", exercises_clips.longest_cycle),
    "1b": Exercise("SAMPLES", exercises_clips.frame_length),
    "2a": Exercise("labels.py", exercises_clips.label_of),
    "2b": Exercise("PATIENTS", exercises_clips.patients_with_both),
    "3a": Exercise("parts.csv", exercises_clips.partition),
    "3b": Exercise("folds.csv", exercises_clips.balanced_folds),
    "4a": Exercise("levels.csv", exercises_clips.level),
    "4b": Exercise("MEAN", exercises_clips.training_mean),
    "5a": Exercise("collate.py", exercises_clips.collate),
    "5b": Exercise("weights.py", exercises_clips.sample_weights),
    "6a": Exercise("WEIGHTS", exercises_networks.weights),
    "6b": Exercise("my_network.py", exercises_networks.batch_normalized),
    "7a": Exercise("SENSITIVITY SPECIFICITY", exercises_results.rates),
    "7b": Exercise("LOW HIGH", exercises_results.patient_interval),
    "8a": Exercise("BATCH STEPS NUMBERS", exercises_networks.sequence_shape),
    "8b": Exercise("sequence.py", exercises_networks.to_sequence),
    "9a": Exercise("consistency.py", exercises_networks.consistency),
    "9b": Exercise("pseudo.py", exercises_networks.pseudo_labels),
    "10a": Exercise("WINDOWS", exercises_networks.windows),
    "10b": Exercise("magnitude.py", exercises_networks.magnitude),
    "11a": Exercise("claims.csv", exercises_results.claims),
    "11b": Exercise("reflection.md", exercises_results.reflection),
}


def check(number: str, words: Sequence[str], setting: Setting) -> tuple[bool, str]:
    """Judge an answer.

    Args:
        number: of the exercise, such as ``3a``.
        words: the answer: numbers, or the path of a file.
        setting: which clips the answer is about.

    Returns:
        Whether it is right, and the line to print.

    Raises:
        InputError: there is no such exercise, or the answer can't be read.
    """
    exercise = EXERCISES.get(number.lower())
    if exercise is None:
        raise InputError(f"there is no exercise {number!r}; choose from {', '.join(EXERCISES)}")
    if not words:
        raise InputError(f"exercise {number} takes an answer: {exercise.takes}")
    try:
        return True, f"{number}: pass ({exercise.check(Answer(tuple(words)), setting)})"
    except Wrong as wrong:
        return False, f"{number}: not yet: {wrong}"
