"""Fitted models as files of the cache, signed: opening a pickle runs what is in it, so that only one's own is opened.

A file begins with the HMAC-SHA256 (RFC 2104) of its fingerprint and content under a key that lies outside the cache,
in a folder that only the user reads. A file that this key did not sign, for this fingerprint, is never opened, whoever
put it there: it counts as missing, and the model is fitted again.
"""

import hmac
import os
import pickle
import secrets
from functools import partial
from pathlib import Path

import cloudpickle
from platformdirs import user_data_path

from respbench.benchmarks.storage.files import CannotWrite, write_atomically
from respbench.corpora.problems import InputError
from respbench.models.spec import ModelSpec

KEYS = user_data_path("respbench")
"""The folder of the key; not that of the cache, which may be shared or mounted."""

KEY_BYTES = SIGNATURE_BYTES = 32

FILE = "model.signed"


def write_model(folder: Path, fingerprint: str, fitted: object) -> None:
    """Store a fitted model, signed, in one step.

    Args:
        folder: of the cache, of this fingerprint alone.
        fingerprint: of all that the model depends on.
        fitted: what to store.

    Raises:
        CannotWrite: the disk is full or the folder can't be written.
        InputError: the key can't be used.
        Exception: the model can't be pickled.
    """
    content = cloudpickle.dumps(fitted)  # unlike pickle also functions that `build` defines, as of networks
    write_atomically(folder / FILE, _signature(fingerprint, content) + content)


def has_model(folder: Path, fingerprint: str) -> bool:
    """Whether a model of this fingerprint is stored, whole, and signed by this user."""
    return _content(folder, fingerprint) is not None


def read_model(folder: Path, fingerprint: str, spec: ModelSpec) -> object:
    """Read a fitted model; None if there is none that this user signed.

    Raises:
        InputError: the key can't be used.
    """
    content = _content(folder, fingerprint)
    if content is None:
        return None
    spec.module()  # a model file outside the clone is found by the name under which it was imported
    return pickle.loads(content)  # noqa: S301 - written and signed by this user


def signing_key() -> bytes:
    """Read the user's key, or draw one.

    Raises:
        CannotWrite: there is none, and it can't be written.
        InputError: others can read or replace it, or it is damaged.
    """
    path = KEYS / "models.key"
    if not path.exists():
        try:
            KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(path, "xb", opener=partial(os.open, mode=0o600)) as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        except FileExistsError:
            pass  # another process has just drawn one
        except OSError as error:
            raise CannotWrite(
                f"{path}, the key that signs fitted models, can't be written ({error.strerror}); free some space or "
                "check the permissions of its folder"
            ) from error
    state = path.stat()
    if os.name == "posix" and (state.st_uid != os.getuid() or state.st_mode & 0o077):
        raise InputError(
            f"{path}, the key that signs fitted models, is not yours alone; delete it, and fits are repeated"
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(f"{path}, the key that signs fitted models, is damaged; delete it, and fits are repeated")
    return key


def _content(folder: Path, fingerprint: str) -> bytes | None:
    try:
        stored = (folder / FILE).read_bytes()
    except OSError:
        return None
    signature, content = stored[:SIGNATURE_BYTES], stored[SIGNATURE_BYTES:]
    return content if hmac.compare_digest(signature, _signature(fingerprint, content)) else None


def _signature(fingerprint: str, content: bytes) -> bytes:
    return hmac.digest(signing_key(), fingerprint.encode() + b"\0" + content, "sha256")
