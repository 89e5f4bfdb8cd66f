"""`python -m quant.export`."""

import sys

from quant.export.graphs import main

sys.exit(main())
