#!/usr/bin/env python3
"""Runs the tests beside it: with pytest, or status 77 (skipped) where there is none."""

import pathlib
import sys

try:
    import pytest
except ImportError:
    print("skipped: install python3-pytest (and python3-jsonschema)")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", str(pathlib.Path(__file__).parent), *sys.argv[1:]]))
