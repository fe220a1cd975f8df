"""Clips that overlap in one recording: they share sound, so that no fold may part them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from respbench.corpora.cycles import UNLABELED, Cycle


def with_overlaps(cycles: Sequence[Cycle], content: Mapping[Path, str]) -> list[Cycle]:
    """Name the group of overlapping clips that each labeled clip is in, after the group's first clip.

    Clips are of one group if they overlap, or if others connect them; clips that only touch don't overlap.

    Args:
        cycles: of a corpus.
        content: digest of each file, so that copies and links count as one file.

    Returns:
        The same clips in the same order.
    """
    of_file: dict[str, list[int]] = defaultdict(list)
    for i, cycle in enumerate(cycles):
        if cycle.label != UNLABELED:
            of_file[content[cycle.path]].append(i)
    overlapping: dict[int, str] = {}
    for rows in of_file.values():
        for group in _groups(cycles, rows):
            overlapping |= dict.fromkeys(group, cycles[min(group)].clip_id)
    return [replace(cycle, overlap=overlapping.get(i, "")) for i, cycle in enumerate(cycles)]


def count_overlapping(cycles: Sequence[Cycle]) -> int:
    """Count the clips that are in a group with others."""
    sizes = Counter(cycle.overlap for cycle in cycles if cycle.overlap)
    return sum(size for size in sizes.values() if size > 1)


def stated_overlaps(count: int) -> str:
    """State in a clause how many clips overlap; empty if none do."""
    return f"; {count} clips overlap others of the same recording, from which no protocol parts them" if count else ""


def _groups(cycles: Sequence[Cycle], rows: Sequence[int]) -> list[list[int]]:
    """Divide clips of one file, given by their numbers, into groups; those that overlap none are in no group."""
    groups: list[list[int]] = []
    reach = float("-inf")
    for i in sorted(rows, key=lambda row: cycles[row].begin):
        end = cycles[i].end
        if cycles[i].begin < reach:
            groups[-1].append(i)
        else:
            groups.append([i])
        reach = max(reach, float("inf") if end is None else end)
    return [group for group in groups if len(group) > 1]
