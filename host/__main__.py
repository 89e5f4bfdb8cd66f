"""`python -m host` runs the command line of `host.cli.main`."""

import sys

from host.cli.main import main

sys.exit(main())
