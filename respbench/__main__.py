"""``respbench``, which is ``python -m respbench``: import the command line, which takes a moment, and run it."""

import os
import sys


def main() -> int:
    """Run `benchmarks.cli.main`, and return its exit status.

    Files and their names are UTF-8 whatever the locale is: where it isn't, this process starts again in Python's UTF-8
    mode, and only what is printed stays in the encoding of the terminal. Ctrl-C while modules are imported ends in a
    sentence, too.
    """
    try:
        if os.name == "posix" and sys.getfilesystemencoding() != "utf-8":
            printed = getattr(sys.stdout, "encoding", None) or "ascii"
            utf8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": os.environ.get("PYTHONIOENCODING", f"{printed}:replace")}
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **utf8})
        from respbench.benchmarks.cli import main as command

        return command()
    except KeyboardInterrupt:
        print("\nrespbench: interrupted while it started; run the same command again", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
