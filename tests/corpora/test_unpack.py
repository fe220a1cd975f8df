"""Archives that are damaged or mean harm are refused, and what they hold is counted."""

import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_site import SMALL, quiet, small_files, wav, zipped

from respbench.corpora.download import unpack as unpacking
from respbench.corpora.download.unpack import unpack
from respbench.corpora.download.verify import ICBHI_2017, verify
from respbench.corpora.problems import InputError, InputErrors


def test_no_flipped_byte_is_let_through(tmp_path: Path) -> None:
    files = {"one.txt": b"0\t1\t0\t0\n", "two.txt": b"1\t2\t1\t0\n"}
    good, archive, folder = zipped(files), tmp_path / "a.zip", tmp_path / "out"
    for at in range(0, len(good), 3):
        archive.write_bytes(good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :])
        try:
            unpack(archive, folder, quiet)
        except InputError:
            assert not folder.exists()
        else:  # a flip in the directory at the end may change a date, or hide a whole file: `verify` counts them
            assert {path.name: path.read_bytes() for path in folder.iterdir()}.items() <= files.items()
            shutil.rmtree(folder)


def escape(name: str, mode: int = 0) -> Callable[[zipfile.ZipFile], None]:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return lambda opened: opened.writestr(info, "/etc/passwd")


def twice(*names: str) -> Callable[[zipfile.ZipFile], None]:
    def add(opened: zipfile.ZipFile) -> None:
        for name in names:
            opened.writestr(zipfile.ZipInfo(name), "x")

    return add


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("add", "phrase"),
    [
        (escape("../evil"), "../evil"),
        (escape("a/../../evil"), "evil"),
        (escape("/abs"), "/abs"),
        (escape("C:\\evil"), "evil"),
        (escape("C:evil"), "evil"),
        (escape("..\\evil"), "evil"),
        (escape("__MACOSX/../../evil"), "evil"),
        (escape("link", 0o120777), "link or device"),
        (escape("pipe", 0o010644), "link or device"),
        (escape("101_1B1_al_SC_meditron.TXT"), "2 times"),
        (twice("é", "e\u0301"), "2 times"),
        (twice("notes", "Notes/one.txt"), "'Notes' as a file and as a folder"),
        (twice("\x1b[2J", "\x1b[2J"), "'\\x1b[2j' 2 times"),
        (lambda opened: opened.writestr("zeros", bytes(10**7), zipfile.ZIP_DEFLATED), "would unpack to"),
        (lambda opened: opened.writestr("odd", bytes(10**3), zipfile.ZIP_LZMA), "unknown way"),
    ],
)
def test_an_archive_that_means_harm(tmp_path: Path, add: Callable[[zipfile.ZipFile], None], phrase: str) -> None:
    archive, folder = tmp_path / "in" / "a.zip", tmp_path / "in" / "out"
    archive.parent.mkdir()
    archive.write_bytes(zipped(small_files(0.05), top=""))
    with zipfile.ZipFile(archive, "a") as opened:
        add(opened)
    with pytest.raises(InputError, match=re.escape(phrase)):
        unpack(archive, folder, quiet)
    assert sorted(tmp_path.rglob("*")) == [archive.parent, archive]


def test_more_files_than_any_archive_of_recordings_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({f"{i}.txt": b"" for i in range(11)}))
    monkeypatch.setattr(unpacking, "MOST", 10)
    with pytest.raises(InputError, match="holds 11 files, which no archive of recordings does; delete it"):
        unpack(tmp_path / "a.zip", tmp_path / "out", quiet)


def test_a_member_that_unpacks_to_more_than_it_states(tmp_path: Path) -> None:
    stored = zipped({"one.txt": bytes(10**5)})
    (tmp_path / "a.zip").write_bytes(stored.replace((10**5).to_bytes(4, "little"), (10**3).to_bytes(4, "little")))
    with pytest.raises(InputError, match="is damaged or incomplete"):
        unpack(tmp_path / "a.zip", tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_nothing_is_unpacked_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out.unpacking").symlink_to(outside)
    (tmp_path / "a.zip").write_bytes(zipped({"one.txt": b"1"}))
    unpack(tmp_path / "a.zip", tmp_path / "out", quiet)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one.txt"]
    assert not [*outside.iterdir()]


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"102_1b1_Ar_sc_LittC2SE.txt": None}, "has no annotation 102_1b1_Ar_sc_LittC2SE.txt"),
        ({"102_1b1_Ar_sc_LittC2SE.wav": None}, "not here; restore 102_1b1_Ar_sc_LittC2SE.wav"),
        ({"103_1b1_Tc_sc_Meditron.txt": b""}, "not here; restore 103_1b1_Tc_sc_Meditron.wav"),
        (
            {"lung.wav": wav(1, 1), "lung.txt": b""},
            "lung.wav is not named <patient>_<index>_<location>_<mode>_<device>",
        ),
        ({"102_1b1_Ar_sc_LittC2SE.wav": b"text"}, "LittC2SE.wav is not readable as sound"),
        ({"102_1b1_Ar_sc_LittC2SE.wav": wav(0, 0)}, "LittC2SE.wav holds no sound"),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t2\t0\n"}, "line 1: unknown label '2 0'"),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\t1\n2\t1\t0\t0"}, "line 2: "),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\n"}, "line 1: "),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\t1\n"}, "3 normal cycles expected, 2 found"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, change: dict[str, bytes | None], phrase: str) -> None:
    for name, content in (small_files(0.01) | change).items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(InputErrors) as caught:
        verify(tmp_path, SMALL)
    assert phrase in str(caught.value)


def test_every_count_that_differs_is_named(tmp_path: Path) -> None:
    for name, content in small_files(0.01).items():
        (tmp_path / name).write_bytes(content)
    assert verify(tmp_path, SMALL).structure == SMALL
    with pytest.raises(InputErrors) as caught:
        verify(tmp_path, replace(ICBHI_2017, patients=2))
    assert [problem.split()[0] for problem in caught.value.problems] == ["920", "3642", "1864", "886", "506"]
    assert ICBHI_2017.cycles == 6898
