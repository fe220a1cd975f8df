"""What a power loss may leave of a prepared corpus: found out when it is opened, and prepared again."""

from pathlib import Path

import pytest
from synthetic_corpora import write_segmented

from respbench.corpora.prepared import durable
from respbench.corpora.prepared.prepare import Prepared, prepare_files
from respbench.corpora.readers.icbhi import read_icbhi

DAMAGES = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "a byte short": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
}


def prepared(folder: Path) -> Prepared:
    if not (folder / "sounds").exists():
        write_segmented(folder / "sounds")
    return prepare_files(read_icbhi(folder / "sounds").cycles, "name", 4000, folder / "cache", description="synthetic")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["signals.npy", "offsets.npy", "table.csv", "corpus.json"])
def test_a_damaged_corpus_is_prepared_again(tmp_path: Path, name: str, damage: str) -> None:
    corpus = prepared(tmp_path)
    whole = content(corpus.folder)
    if (name, damage) == ("table.csv", "a byte short"):  # a newline that nothing needs
        damage = "half"
    (corpus.folder / name).write_bytes(DAMAGES[damage](whole[name]))
    assert prepared(tmp_path).folder == corpus.folder
    assert content(corpus.folder) == whole


@pytest.mark.parametrize("name", ["signals.npy", "offsets.npy", "table.csv", "corpus.json"])
def test_a_corpus_that_lacks_a_file_is_prepared_again(tmp_path: Path, name: str) -> None:
    corpus = prepared(tmp_path)
    (corpus.folder / name).unlink()
    assert len(prepared(tmp_path).clips()) == 16


def test_a_corpus_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = durable._sync, Path.rename
    monkeypatch.setattr(durable, "_sync", lambda path: (done.append(path.name), sync(path)))
    monkeypatch.setattr(Path, "rename", lambda path, to: (done.append("renamed"), rename(path, to)))
    corpus = prepared(tmp_path)
    before, after = done[: done.index("renamed")], done[done.index("renamed") + 1 :]
    assert {*content(corpus.folder)} < {*before}
    assert after == ["corpora"], "the name itself"
