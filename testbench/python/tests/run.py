#!/usr/bin/env python3
"""Runs the tests beside it: with pytest, or status 77 (skipped) where there is none."""

import os
import pathlib
import sys

DEBIANS = "/usr/bin/python3"  # which Debian's pytest is for, whatever other Python comes first in $PATH

try:
    import pytest
except ImportError:
    if sys.executable != DEBIANS and os.access(DEBIANS, os.X_OK):
        os.execv(DEBIANS, [DEBIANS, *sys.argv])
    print("skipped: install python3-pytest (and python3-jsonschema)")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", str(pathlib.Path(__file__).parent), *sys.argv[1:]]))
