"""What the cards of corpora cite: origin, terms and defects, which no stored result holds."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CorpusText:
    """The cited part of a corpus' card.

    Attributes:
        title: its name for readers.
        what: what was recorded, of whom, where.
        published: size of the whole as published.
        terms: under which it may be used, as far as its source states them.
        source: where it is and what to cite.
        defects: known ones, and what the reader of the corpus does about each.
        confounds: known ones that are not computed from stored results.
    """

    title: str
    what: str
    published: str
    terms: str
    source: str
    defects: tuple[str, ...] = ()
    confounds: tuple[str, ...] = ()


UCI_TERMS = "stated on the page of the archive; see there before you use it"

CORPORA_TEXTS = {
    "icbhi": CorpusText(
        title="ICBHI 2017",
        what="breathing cycles, annotated for crackles and wheezes by experts; patients of all ages with and without "
        "respiratory disease, recorded by two teams in Portugal and Greece with four devices at seven places",
        published="6,898 cycles (3,642 normal, 1,864 crackles, 886 wheezes, 506 both) of 920 recordings of 126 "
        "patients, 5.5 hours (Rocha et al. 2019)",
        terms="made freely available for research by its authors (bhichallenge.med.auth.gr), who name no license "
        "there; not part of this repository",
        source="Rocha et al. 2019, Physiol Meas, "
        "[doi:10.1088/1361-6579/ab03ea](https://doi.org/10.1088/1361-6579/ab03ea); `make data` downloads it",
        defects=(
            "Recorded at 4 to 44.1 kHz: everything is resampled to 4 kHz, above which the spectrum would reveal the "
            "device.",
            "The published split has patients on both sides; the reports on it name them "
            "([decision 0012](../../decisions/0012-published-splits.md)).",
            "Some cycles are noisy, as the authors state; nothing is left out for that.",
            "Truncated, silent, duplicated and misnamed files are listed, and `LEAVE_OUT_BAD=1` goes on without them "
            "([odd inputs](../../odd-inputs.md)).",
        ),
        confounds=("Device, place, age and disease go together.",),
    ),
    "sprsound": CorpusText(
        title="SPRSound",
        what="respiratory events, or whole recordings, of children from 1 month to 18 years, recorded in one hospital "
        "in Shanghai with one kind of stethoscope (Yunting model II)",
        published="the parts of four challenges in folders of their own, which were changed several times",
        terms="open access by its title; the README of its repository names no license; not part of this repository",
        source="Zhang et al. 2022, IEEE TBioCAS, "
        "[doi:10.1109/TBCAS.2022.3204910](https://doi.org/10.1109/TBCAS.2022.3204910); "
        "github.com/SJTU-YONGFU-RESEARCH-GRP/SPRSound",
        defects=(
            "Copies of recordings in several folders: equal ones count once, others are a problem that is stated "
            "([decision 0014](../../decisions/0014-sprsound-and-its-tasks.md)).",
            "Recordings without events, nearly all of poor quality, yield no clip; the description counts them.",
            "8 of 1,949 training recordings have an annotation of the whole that differs from their events'.",
            "Two of 243 training patients have stridors: seven classes are possible in two folds only.",
            "Locations p5 to p8 are not documented.",
        ),
        confounds=(
            "Clips are events as the annotators cut them, and abnormal ones were cut shorter: their length alone "
            "predicts the class.",
        ),
    ),
    "kauh": CorpusText(
        title="KAUH",
        what="lung sounds of adults in Irbid, Jordan: one recording per patient, in the three filterings of a "
        "stethoscope (bell, diaphragm, extended)",
        published="see its paper",
        terms="stated at its source; see there before you use it",
        source="Fraiwan et al. 2021, Data in Brief, "
        "[doi:10.1016/j.dib.2021.106913](https://doi.org/10.1016/j.dib.2021.106913); doi.org/10.17632/jwyy9np4gv.3",
        defects=(
            "Names were typed by hand: spaces and capitals differ, and locations such as `P L L R` are kept as typed.",
            "The filterings of one recording are three clips of one patient: they do not count as independent.",
            "Bronchial breathing alone is neither normal, crackle nor wheeze: these recordings yield no clip "
            "([decision 0006](../../decisions/0006-cross-corpus.md)).",
        ),
        confounds=("With one recording per patient, nothing can be ranked within a patient.",),
    ),
    "hmp": CorpusText(
        title="HMP",
        what="14 activities of daily living, a wrist accelerometer with three axes at 32 Hz",
        published="839 trials of 16 people (Bruno et al. 2013)",
        terms=UCI_TERMS,
        source="Bruno et al. 2013, ICRA, [doi:10.1109/ICRA.2013.6630784](https://doi.org/10.1109/ICRA.2013.6630784); "
        "archive.ics.uci.edu/dataset/283",
        defects=(
            "6-bit codes from -1.5 g to +1.5 g: steps of 0.47 m/s², and faster movements are cut off.",
            "Folders `*_MODEL` are not read.",
        ),
        confounds=("Activities and people go together: some activities are of one person.",),
    ),
    "uci-har": CorpusText(
        title="UCI-HAR",
        what="6 activities, a phone at the waist, 9 channels at 50 Hz, in windows of 2.56 s that overlap by half",
        published="30 subjects; the published split is by subject (`PROTOCOL=official`)",
        terms="its README forbids commercial use",
        source="Anguita et al. 2013, ESANN; archive.ics.uci.edu/dataset/240",
        defects=("Trials are not stated: consecutive windows of one subject and activity are taken as one.",),
    ),
    "wisdm": CorpusText(
        title="WISDM 1.1",
        what="6 activities, a phone in the front pocket, 3 channels at 20 Hz",
        published="36 subjects",
        terms="asks to be cited and shared with its readme",
        source="Kwapisz et al. 2010, SensorKDD; www.cis.fordham.edu/wisdm/dataset.php",
        defects=(
            "Damaged records (a value is missing, or the time is 0) are listed with their lines.",
            "The clock is uneven: samples are taken in their order as 20 Hz, and the description says how many of the "
            "clock's steps are off.",
        ),
    ),
    "pamap2": CorpusText(
        title="PAMAP2",
        what="12 activities of a protocol, sensors at hand, chest and ankle, 18 channels at 100 Hz",
        published="9 subjects",
        terms=UCI_TERMS,
        source="Reiss & Stricker 2012, [doi:10.1109/ISWC.2012.13](https://doi.org/10.1109/ISWC.2012.13); "
        "archive.ics.uci.edu/dataset/231",
        defects=("Samples are lost: losses up to 0.1 s are interpolated, longer ones part a trial.",),
    ),
    "motionsense": CorpusText(
        title="MotionSense",
        what="6 activities, a phone in the front pocket, 9 channels at 50 Hz",
        published="24 subjects, with age, sex, height and weight",
        terms="MIT license",
        source="Malekzadeh et al. 2019, [doi:10.1145/3302505.3310068](https://doi.org/10.1145/3302505.3310068); "
        "github.com/mmalekzadeh/motion-sense",
    ),
    "simulated": CorpusText(
        title="Simulated corpus",
        what="breathing cycles synthesized from published acoustics, with patients, devices and rooms that differ; no "
        "patient was recorded, and no result on it says anything about disease",
        published="as many patients as asked for",
        terms="MIT license, as the code that makes it",
        source="`corpora.simulated.simulation.simulate`",
        confounds=(
            "Device, room and patient are easier to recognize than crackles and wheezes, by design: a split at random "
            "flatters a model here as it does on real data.",
        ),
    ),
}
"""By the name that ``CORPUS=`` takes, in the order of the cards."""
