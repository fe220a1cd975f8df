"""Digests depend on content alone."""

from pathlib import Path

from respbench.corpora.digests import digest, file_digest


def test_digest_depends_on_order_and_borders_of_its_parts() -> None:
    assert len({digest(parts) for parts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""])}) == 5


def test_text_and_its_bytes_have_the_same_digest() -> None:
    assert digest(["é"]) == digest(["é".encode()])
    assert len(digest([])) == 16


def test_file_digest_depends_on_content_not_on_name(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b") != file_digest(tmp_path / "c")
