"""``python -m respbench.practical``: check an answer to an exercise, or build the pages."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from respbench.corpora.problems import InputError, printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 = done or a right answer, 1 = a wrong answer, 2 = the request is wrong."""
    parser = argparse.ArgumentParser(prog="python -m respbench.practical", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("check", help="judge the answer to an exercise")
    asked.add_argument("exercise", help="its number, such as 3a")
    asked.add_argument("answer", nargs="*", help="numbers, or the path of a file")
    built = commands.add_parser("build", help="execute the pages and write notebooks and HTML")
    built.add_argument("--output", type=Path, default=Path("build/practical"))
    built.add_argument("pages", nargs="*", help="such as 03; default: all")
    options = parser.parse_args(arguments)
    try:
        if options.command == "build":
            from respbench.practical.build import build

            build(options.output, options.pages)
            return 0
        from respbench.practical.check import check
        from respbench.practical.setting import chosen

        right, line = check(options.exercise, options.answer, chosen())
        print(printable(line))
        return 0 if right else 1
    except InputError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
