# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/operations.md, run as written."""

from __future__ import annotations

import os
from pathlib import Path

from . import runbook


def test_the_runbook_is_true_as_written(place: Path) -> None:
    environment = runbook.with_crtx_on_path(dict(os.environ), place)
    # Where the page's own `mktemp -d` makes its directory.
    environment["TMPDIR"] = str(place)
    todo = runbook.steps(runbook.PAGE.read_text())
    assert len(todo) > 20
    written, seen = runbook.Normal(), runbook.Normal()
    for step, ran in zip(todo, runbook.run(todo, environment, place)):
        assert seen(ran.seen) == written(step.shown or ""), step.script
        assert ran.status == runbook.expected_status(step.shown), step.script
