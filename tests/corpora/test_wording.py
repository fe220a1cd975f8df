"""What is said of patients and sounds is said of subjects and signals where a corpus has these; names in code stay."""

import pytest

from respbench.corpora.choices import MODALITIES
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.wording import in_words_of

BREATH = CorpusFacts(name="a", description="", simulated=False, rate=4000)
MOTION = CorpusFacts(name="b", description="", simulated=False, rate=32, modality=MODALITIES[1], person="subject")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Each patient alike: 16 patients, a patient's clips.", "Each subject alike: 16 subjects, a subject's clips."),
        ("Patients, NOT PATIENT-DISJOINT", "Subjects, NOT SUBJECT-DISJOINT"),
        ("hmp · activity · patients-5fold", "hmp · activity · patients-5fold"),
        (
            "`patient` of [patients](../patients-5fold/README.md)",
            "`patient` of [subjects](../patients-5fold/README.md)",
        ),
        ("patients-leave-device-out or patients.png", "patients-leave-device-out or patients.png"),
        ("the control without audio", "the control without the signal"),
        ("2 models that use the sound", "2 models that use the signal"),
        ("Example sounds; an outpatient", "Example signals; an outpatient"),
    ],
)
def test_words_are_those_of_the_corpus(said: str, expected: str) -> None:
    assert in_words_of(said, MOTION) == expected
    assert in_words_of(said, BREATH) == said
