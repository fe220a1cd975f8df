"""``python -m benchmarks`` is ``respbench``."""

import sys

from benchmarks.cli import main

sys.exit(main())
