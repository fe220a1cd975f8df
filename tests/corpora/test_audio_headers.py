"""Headers that state a wrong length, rate or scale: a sound is read whole or refused in a sentence, never cut short."""

import io
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import noise

from respbench.corpora.problems import InputError
from respbench.corpora.readers import audio
from respbench.corpora.readers.audio import read_audio

SOUND = noise(1.0)
RATE = 4000
CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU")


def written(sound: np.ndarray = SOUND, container: str = "WAV", subtype: str = "PCM_16", endian: str = "FILE") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format=container, subtype=subtype, endian=endian)
    return file.getvalue()


def read(folder: Path, content: bytes, begin: float = 0.0, end: float | None = None) -> np.ndarray:
    path = folder / "sound.wav"
    path.write_bytes(content)
    return read_audio(path, RATE, begin, end)[0]


def refused(folder: Path, content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, content)
    message = str(caught.value)
    assert message.startswith(str(folder / "sound.wav"))
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_cut_file_is_refused_in_every_container(tmp_path: Path, container: str, share: float) -> None:
    content = written(container=container)
    assert np.abs(read(tmp_path, content) - SOUND).max() < 1e-4
    assert "is truncated: " in refused(tmp_path, content[: int(share * len(content))])


def test_a_cut_wav_of_the_other_byte_order_is_refused(tmp_path: Path) -> None:
    content = written(endian="BIG")
    assert content.startswith(b"RIFX")
    assert "is truncated: " in refused(tmp_path, content[:-100])


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_cut_ogg_is_refused(tmp_path: Path, subtype: str, share: float) -> None:
    """Also between two of its pages, where nothing but the mark of the last one is missing."""
    file = io.BytesIO()
    soundfile.write(file, noise(20.0, rate=8000), 8000, format="OGG", subtype=subtype)
    content = file.getvalue()
    assert len(read(tmp_path, content)) == 80_000
    cut = int(share * len(content))
    for end in (cut, content.rindex(b"OggS", 0, cut)):
        assert " is truncated: the end of its sound is missing; copy it again" in refused(tmp_path, content[:end])


def test_a_cut_au_of_the_other_byte_order_is_refused(tmp_path: Path) -> None:
    content = written(container="AU", endian="LITTLE")
    assert content.startswith(b"dns.")
    assert "is truncated: 100 of 8000 bytes" in refused(tmp_path, content[:-100])
    assert "is truncated: it ends before its sound begins" in refused(tmp_path, content[:11])


@pytest.mark.parametrize("container", ["VOC", "NIST", "SVX", "IRCAM", "MAT5", "PAF"])
def test_a_container_of_which_a_cut_file_looks_whole_is_refused(tmp_path: Path, container: str) -> None:
    assert f"is in the format {container}, of which" in refused(tmp_path, written(container=container))


@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "CAF"])
def test_sound_behind_what_the_header_states_is_not_lost(tmp_path: Path, container: str) -> None:
    content = written(container=container)
    assert "bytes behind the" in refused(tmp_path, content + SOUND.tobytes())
    for behind in (bytes(2000), b"TAG" + b"a" * 125):
        assert np.array_equal(read(tmp_path, content + behind), read(tmp_path, content))


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_chunks_behind_the_sound_are_no_sound(tmp_path: Path, padding: bytes) -> None:
    """Padded to an even length, as they should be, or not."""
    chunk = b"LIST" + struct.pack("<I", 999) + bytes(range(1, 256)) * 3 + b"a" * 234 + padding
    assert np.abs(read(tmp_path, written() + 2 * chunk) - SOUND).max() < 1e-4


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(InputError, match=f"{path} is no file; give the path of a recording"):
        read_audio(path, RATE)


@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF])
@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_a_header_that_was_never_finished_is_read_to_the_end(
    tmp_path: Path, riff: int, length: int, endian: str
) -> None:
    content = bytearray(written(endian=endian))
    order = "<" if endian == "LITTLE" else ">"
    struct.pack_into(f"{order}I", content, 4, riff)
    struct.pack_into(f"{order}I", content, content.index(b"data") + 4, length)
    assert np.abs(read(tmp_path, bytes(content)) - SOUND).max() < 1e-4


@pytest.mark.parametrize("behind", [b"", b"LIST\x04\x00\x00\x00INFO"])
def test_a_wav_without_sound_holds_none(tmp_path: Path, behind: bytes) -> None:
    assert "holds no samples" in refused(tmp_path, written(np.zeros(0)) + behind)


@pytest.mark.parametrize("rate", [1, 999, 400_001, 2**31 - 1])
def test_a_rate_that_no_recorder_has_is_refused(tmp_path: Path, rate: int) -> None:
    content = bytearray(written())
    struct.pack_into("<I", content, 24, rate)
    assert f"has a sampling rate of {rate} Hz in its header, outside 1000 to 400000" in refused(tmp_path, content)


@pytest.mark.parametrize("scale", [128, 32768])
def test_samples_that_were_never_scaled_are_named(tmp_path: Path, scale: int) -> None:
    sound = SOUND / np.abs(SOUND).max() * scale
    assert f"holds samples up to {scale}, far above the full scale of 1; divide" in refused(
        tmp_path, written(sound, subtype="FLOAT")
    )
    loud = SOUND / np.abs(SOUND).max() * 2
    assert np.abs(read(tmp_path, written(loud, subtype="FLOAT")) - loud).max() < 1e-6


@pytest.mark.parametrize(("subtype", "offset"), [("PCM_16", 0.0), ("FLOAT", 0.0), ("FLOAT", 0.1)])
def test_channels_that_cancel_are_no_silence(tmp_path: Path, subtype: str, offset: float) -> None:
    inverse = np.stack([SOUND, -SOUND], axis=1) + offset
    assert "its channels cancel, since one is the inverse of the other" in refused(
        tmp_path, written(inverse, subtype=subtype)
    )
    read(tmp_path, written(np.stack([SOUND, -0.9 * SOUND], axis=1)))


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16", "IMA_ADPCM", "MS_ADPCM", "ULAW"])
def test_a_part_is_cut_from_every_encoding(tmp_path: Path, subtype: str) -> None:
    """Of some, libsndfile can't start in the middle."""
    content = written(np.sin(np.arange(RATE)), subtype=subtype)
    assert np.array_equal(read(tmp_path, content, 0.25, 0.75), read(tmp_path, content)[1000:3000])


def test_a_length_that_no_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(audio.soundfile.SoundFile, "read", full)
    assert "claims to last 1 s, more than fits into memory" in refused(tmp_path, written())


def test_a_small_file_that_decodes_to_much_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "MOST_SAMPLES", 1000)
    monkeypatch.setattr(audio.soundfile.SoundFile, "read", pytest.fail)
    assert "GB to decode; cut the recording into clips" in refused(tmp_path, written(container="FLAC"))


WRITTEN = [written(container=name) for name in (*CONTAINERS, "FLAC")] + [written(subtype="GSM610")]


@given(
    st.sampled_from(WRITTEN), st.lists(st.tuples(st.integers(0, 119), st.binary(min_size=1, max_size=4)), max_size=3)
)
def test_whatever_a_header_says_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, changes: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(content)
    for place, change in changes:
        damaged[place : place + len(change)] = change
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(damaged)
    with suppress(InputError):
        assert np.isfinite(read_audio(path, RATE)).all()
