"""Published datasets of movements, on made-up files of their layouts: values, trials, subjects, gaps and bad files."""

import io

import numpy as np
import pytest

from respbench.corpora.catalog import open_corpus
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.readers import pamap2, uci_har, wisdm
from respbench.corpora.windows import Windows

RANDOM = np.random.default_rng(0)


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def spaced(values):
    return [" ".join(f"{value: .7e}" for value in row) for row in values]


def edit(path, line, text):
    lines = path.read_text(encoding="utf-8").splitlines()
    write(path, [*lines[:line], text, *lines[line + 1 :]])


@pytest.fixture
def uci(tmp_path):
    """Four subjects, two of them in the test part; each with three windows of walking and three of laying."""
    folder = tmp_path / "UCI HAR Dataset"
    write(folder / "activity_labels.txt", ["1 WALKING", "2 WALKING_UPSTAIRS", "6 LAYING"])
    for part, subjects in {"train": (1, 3), "test": (2, 4)}.items():
        write(folder / part / f"subject_{part}.txt", np.repeat(subjects, 6))
        write(folder / part / f"y_{part}.txt", [1, 1, 1, 6, 6, 6] * 2)
        write(folder / part / f"X_{part}.txt", ["0.1 0.2"] * 12)
        for signal in uci_har.SIGNALS:
            write(folder / part / "Inertial Signals" / f"{signal}_{part}.txt", spaced(RANDOM.normal(size=(12, 128))))
    return folder


def wisdm_lines(user, activity, begin, samples=30, step=50):
    times = (begin * 1000 + step * np.arange(samples)) * 1_000_000
    return [
        f"{user},{activity},{t},{x:.7},{y:.7},{z:.7};"
        for t, (x, y, z) in zip(times, RANDOM.normal(0, 9, (samples, 3)), strict=True)
    ]


@pytest.fixture
def phones(tmp_path):
    """WISDM: subject 33 jogs with a gap and walks, subject 5 walks; with the oddities of the published file."""
    jogging = [*wisdm_lines(33, "Jogging", 49000), *wisdm_lines(33, "Jogging", 49100, step=100)]
    jogging[3:5] = [jogging[3] + jogging[4]]
    walking = wisdm_lines(33, "Walking", 49200)
    walking[7] = walking[7].replace(";", ",;")
    other = wisdm_lines(5, "Walking", 1000, 60)
    other[29] = other[29].rsplit(",", 1)[0] + ","
    other[30:30] = ["5,Walking,0,0,0,0.0;"] * 2 + [""]
    write(tmp_path / "WISDM_ar_v1.1" / "WISDM_ar_v1.1_raw_about.txt", ["about"])
    return write(tmp_path / "WISDM_ar_v1.1" / wisdm.FILE, [*jogging, *walking, *other])


def pamap2_values(activities):
    values = RANDOM.normal(size=(sum(activities.values()), 54))
    values[:, 0] = 8.38 + np.arange(len(values)) / 100
    values[:, 1] = np.repeat(list(activities), list(activities.values()))
    values[1:, 2] = np.nan
    return values


def write_pamap2(folder, subject, values):
    text = io.StringIO()
    np.savetxt(text, values, fmt="%.8g")
    return write(folder / "Protocol" / f"subject{subject}.dat", text.getvalue().replace("nan", "NaN").splitlines())


@pytest.fixture
def sensors(tmp_path):
    """PAMAP2: subject 101 lies and stands, 102 lies; the hand's sensor loses 4, 40 and, standing, all samples."""
    folder = tmp_path / "PAMAP2_Dataset"
    values = pamap2_values({0: 20, 1: 300, 3: 60})
    values[50:54, 3:20] = values[100:140, 3:20] = values[300:315, 3:20] = values[320:, 3:20] = np.nan
    values[53:56, 28] = np.nan
    write_pamap2(folder, 101, values)
    write_pamap2(folder, 102, pamap2_values({1: 80, 0: 20, 3: 80}))
    write(folder / "Optional" / "subject101.dat", ["1 2 3"])
    return folder


MOTIONSENSE_HEADER = (
    ",attitude.roll,attitude.pitch,attitude.yaw,gravity.x,gravity.y,gravity.z,rotationRate.x,rotationRate.y,"
    "rotationRate.z,userAcceleration.x,userAcceleration.y,userAcceleration.z"
)


@pytest.fixture
def pockets(tmp_path):
    folder = tmp_path / "motion-sense"
    write(folder / "data_subjects_info.csv", ["code,weight,height,age,gender", "1,102,188,46,1", "24,74,173,18,0"])
    for subject in (1, 24):
        for trial in ("dws_1", "wlk_15"):
            rows = [f"{i}," + ",".join(f"{x:.6f}" for x in RANDOM.normal(size=12)) for i in range(40)]
            write(folder / "A_DeviceMotion_data" / trial / f"sub_{subject}.csv", [MOTIONSENSE_HEADER, *rows])
    write(folder / "B_Accelerometer_data" / "dws_1" / "sub_1.csv", [",x,y,z", "0,1,2,3"])
    return folder


def test_uci_har_has_its_windows_and_its_published_split(uci, tmp_path):
    prepared = open_corpus("uci-har", uci.parent, cache=tmp_path)
    clips, facts = prepared.clips(), prepared.facts()
    assert (clips.rate, facts.unit, facts.channels[0], facts.person) == (50, "g, rad/s", "total_acc_x", "subject")
    assert clips.classes == ("WALKING", "LAYING")
    assert {signal.shape for signal in clips} == {(9, 128)}
    gyroscope = np.loadtxt(uci / "test" / "Inertial Signals" / "body_gyro_y_test.txt")
    np.testing.assert_allclose(clips.signals[12 + 7][7], gyroscope[7], rtol=1e-6)
    assert clips.patient[[0, 6, 12, 18]].tolist() == ["1", "3", "2", "4"]
    assert clips.meta["recording"][3:7].tolist() == ["train-4"] * 3 + ["train-7"]
    assert "A PART of the dataset: 24 of 10299 windows" in facts.description
    (fold,) = find("official").splitter.split(clips, 0)
    assert set(clips.patient[fold.test]) == {"2", "4"}
    with pytest.raises(InputError, match="uci-har is published as windows"):
        open_corpus("uci-har", uci, windows=Windows(seconds=1), cache=tmp_path)


@pytest.mark.parametrize(
    ("file", "line", "text", "message", "left"),
    [
        ("test/Inertial Signals/body_acc_z_test.txt", 2, "1 2 3", "line 3, has 3 columns instead of 128", 12),
        ("test/Inertial Signals/body_acc_z_test.txt", 2, " ".join(["NaN"] * 128), "line 3: a signal of the", 23),
        ("train/subject_train.txt", 0, "1.5", "line 1: 1.5 is no number from 1 on", 12),
        ("train/y_train.txt", 4, "9", "line 5: activity_labels.txt doesn't name activity 9", 12),
        ("train/y_train.txt", 4, "", "hold from 11 to 12 windows", 12),
    ],
)
def test_bad_files_of_uci_har_are_named(uci, tmp_path, file, line, text, message, left):
    edit(uci / file, line, text)
    with pytest.raises(InputError, match=message):
        open_corpus("uci-har", uci, cache=tmp_path)
    assert len(open_corpus("uci-har", uci, leave_out_bad=True, cache=tmp_path).clips()) == left


def test_uci_har_is_prepared_anew_when_any_signal_changes(uci, tmp_path):
    before = open_corpus("uci-har", uci, cache=tmp_path).clips().signals[0]
    edit(uci / "train" / "Inertial Signals" / "body_gyro_z_train.txt", 0, " ".join(["0.5"] * 128))
    after = open_corpus("uci-har", uci, cache=tmp_path).clips().signals[0]
    assert (after[8] == 0.5).all()
    np.testing.assert_array_equal(after[:8], before[:8])


def test_wisdm_names_damaged_records_and_parts_trials_at_them(phones, tmp_path):
    with pytest.raises(InputError, match=r"line 119, holds a damaged record \(a value is missing or no number\) and 2"):
        open_corpus("wisdm", phones.parent, cache=tmp_path)
    prepared = open_corpus("wisdm", phones.parent, leave_out_bad=True, cache=tmp_path)
    clips, facts = prepared.clips(), prepared.facts()
    assert (clips.rate, facts.unit, clips.classes, facts.left_out) == (20, "m/s²", ("Walking", "Jogging"), 1)
    assert [signal.shape for signal in clips] == [(3, 30), (3, 30), (3, 30), (3, 29), (3, 30)]
    assert clips.clip_id.tolist() == ["33@0.00", "33@1.50", "33@3.00", "5@4.50", "5@5.95"]
    assert clips.meta["recording"].tolist() == ["33@0.00", "33@0.00", "33@3.00", "5@4.50", "5@4.50"]
    last = phones.read_text(encoding="utf-8").splitlines()[-1].rstrip(";").split(",")
    np.testing.assert_allclose(clips.signals[4][:, -1], [float(value) for value in last[3:]], rtol=1e-6)
    assert "3 trials in 5 parts between gaps; 20% of the clock's steps differ from 50 ms" in facts.description


def test_pamap2_interpolates_short_losses_and_parts_trials_at_long_ones(sensors, tmp_path):
    prepared = open_corpus("pamap2", sensors, cache=tmp_path)
    clips, facts = prepared.clips(), prepared.facts()
    assert (clips.rate, facts.unit, clips.classes) == (100, "m/s², rad/s", ("lying", "standing"))
    assert [signal.shape for signal in clips] == [(18, 80), (18, 160), (18, 80), (18, 80)]
    assert clips.clip_id.tolist() == ["101@0.20", "101@1.40", "102@0.00", "102@1.00"]
    assert clips.meta["recording"].tolist()[:2] == ["101@0.20", "101@0.20"]
    values = np.loadtxt(sensors / "Protocol" / "subject101.dat")
    hand = facts.channels.index("hand_gyro_z")
    np.testing.assert_allclose(clips.signals[1][hand], values[140:300, 12], rtol=1e-6)
    around = np.linspace(values[49, 12], values[54, 12], 6)[1:5]
    np.testing.assert_allclose(clips.signals[0][hand][30:34], around, rtol=1e-4)
    assert "4 trials in 4 parts" in facts.description
    assert "6 samples of shorter losses" in facts.description
    assert "1 parts of less than 0.5 s between gaps" in facts.description
    assert "1 trials of which a sensor is lost throughout" in facts.description
    assert "1 files of optional activities" in facts.description


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1 2 3", "line 6, has 3 columns instead of 54"),
        (" ".join(["8.43", "8", *["1"] * 52]), "row 6, is of time 8.43 s and activity 8"),
        (" ".join(["8.43", "1", *["inf"] * 52]), "line 6: 'inf' is no finite number"),
    ],
)
def test_bad_files_of_pamap2_are_named(sensors, tmp_path, row, message):
    edit(sensors / "Protocol" / "subject101.dat", 5, row)
    with pytest.raises(InputError, match=message):
        open_corpus("pamap2", sensors, cache=tmp_path)
    clips = open_corpus("pamap2", sensors, leave_out_bad=True, cache=tmp_path).clips()
    assert set(clips.patient) == {"102"}


def test_two_files_of_one_subject_of_pamap2_are_refused(sensors, tmp_path):
    write_pamap2(sensors / "again", 101, pamap2_values({1: 80}))
    with pytest.raises(InputError, match="are of the same subject"):
        open_corpus("pamap2", sensors, cache=tmp_path)


def test_motionsense_has_trials_with_who_the_subjects_are(pockets, tmp_path):
    prepared = open_corpus("motionsense", pockets, cache=tmp_path)
    clips, facts = prepared.clips(), prepared.facts()
    assert (clips.rate, facts.unit, clips.classes) == (50, "g, rad/s", ("downstairs", "walking"))
    assert clips.patient.tolist() == ["1", "24", "1", "24"]
    assert clips.meta[["age", "sex"]].to_numpy().tolist()[:2] == [[46, "M"], [18, "F"]]
    values = np.loadtxt(pockets / "A_DeviceMotion_data" / "wlk_15" / "sub_24.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(clips.signals[3], values[:, 4:].T, rtol=1e-6)
    assert not any(word in " ".join(clips.clip_id) for word in ("dws", "wlk", "15"))
    assert "1 of single sensors" in facts.description


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (0, ",x,y,z", "line 1, doesn't name the columns attitude.roll"),
        (4, "3,1,2", "line 5, has 3 columns instead of 13"),
        (4, "9" + ",0" * 12, "line 5, is not the sample that follows line 4: its index is 9"),
        (4, "3,?" + ",0" * 11, "line 5: '\\?' is no finite number"),
    ],
)
def test_bad_files_of_motionsense_are_named(pockets, tmp_path, line, text, message):
    edit(pockets / "A_DeviceMotion_data" / "dws_1" / "sub_1.csv", line, text)
    with pytest.raises(InputError, match=message):
        open_corpus("motionsense", pockets, cache=tmp_path)
    assert len(open_corpus("motionsense", pockets, leave_out_bad=True, cache=tmp_path).clips()) == 3


def test_a_folder_of_motionsense_that_names_no_activity_is_refused(pockets, tmp_path):
    (pockets / "A_DeviceMotion_data" / "dws_1").rename(pockets / "A_DeviceMotion_data" / "fly_1")
    with pytest.raises(InputError, match="lies in no folder <activity>_<trial>"):
        open_corpus("motionsense", pockets, cache=tmp_path)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("uci-har", "holds 0 files activity_labels.txt"),
        ("wisdm", "holds 0 files WISDM_ar_v1.1_raw.txt"),
        ("pamap2", "holds no trial of a file subject"),
        ("motionsense", "holds no trial …/sub_"),
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path, corpus, message):
    with pytest.raises(InputError, match=message):
        open_corpus(corpus, tmp_path, cache=tmp_path)


def test_windows_of_one_trial_are_on_one_side_of_every_fold(sensors, tmp_path):
    values = pamap2_values(dict.fromkeys(range(1, 8), 120))
    values[30:45, 40] = np.nan
    write_pamap2(sensors, 103, values)
    clips = open_corpus("pamap2", sensors, windows=Windows(seconds=0.5), cache=tmp_path).clips()
    trial = clips.meta["recording"].to_numpy(np.str_)
    assert len(np.unique(trial)) == 10 < len(clips)
    for fold in find("random-5fold").splitter.split(clips, 0):
        sides = [set(trial[rows]) for rows in (fold.train, fold.valid, fold.test)]
        assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]


def test_the_activities_of_pamap2_have_their_published_numbers():
    assert len(pamap2.ACTIVITIES) == 18
    assert (pamap2.ACTIVITIES[7], pamap2.ACTIVITIES[24]) == ("Nordic walking", "rope jumping")
