"""`python -m host`: see `host.cli.main`."""

import sys

from host.cli.main import main

sys.exit(main())
