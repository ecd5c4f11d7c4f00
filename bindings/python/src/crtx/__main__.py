# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m crtx``: the ``crtx`` command."""

import sys

from crtx.cli import main

sys.exit(main())
