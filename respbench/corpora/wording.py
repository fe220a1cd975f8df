"""Reword sentences about patients and sounds for a corpus of other people and signals."""

import re

from respbench.corpora.choices import SOUND
from respbench.corpora.facts import CorpusFacts

_PROTECTED = re.compile(r"(`[^`\n]*`|\]\([^)\n]*\))")
"""Code, such as names of columns and protocols, and targets of links."""

_PERSON = re.compile(r"(?<![\w./-])patient(s?)(?![\w/]|-(?:\d|leave)|\.\w)", re.IGNORECASE)
"""The word, where it isn't part of the name of a file or protocol."""

_SIGNALS = {
    re.compile(r"\bwithout (audio|any sound|the sound)\b"): "without the signal",
    re.compile(r"\buse(s?) (audio|the sound)\b"): r"use\1 the signal",
    re.compile(r"\bsound(s?)\b"): r"signal\1",
}
"""Phrases about sounds, and what replaces them where the signals are no sounds."""


def in_words_of(text: str, facts: CorpusFacts) -> str:
    """Replace "patient" and "sound" by the words for a corpus' people and signals, except in code and links.

    Args:
        text: plain text or Markdown about patients.
        facts: of the corpus that it is about.
    """
    if facts.person == "patient" and facts.modality == SOUND:
        return text
    parts = _PROTECTED.split(text)
    parts[::2] = [_reworded(part, facts) for part in parts[::2]]
    return "".join(parts)


def _reworded(text: str, facts: CorpusFacts) -> str:
    if facts.modality != SOUND:
        for said, instead in _SIGNALS.items():
            text = said.sub(instead, text)
    return _PERSON.sub(lambda found: _in_case_of(found[0], facts.person + found[1].lower()), text)


def _in_case_of(model: str, word: str) -> str:
    """Give a word the case of another: lower, capitalized or upper."""
    return word.upper() if model.isupper() else word.capitalize() if model[0].isupper() else word
