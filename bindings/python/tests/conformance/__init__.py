# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the cases of ctests/conformance through the package: the README there says what they are.

``python -m conformance [--transcript FILE] [--only TEXT] TABLE-FILE...``
"""
