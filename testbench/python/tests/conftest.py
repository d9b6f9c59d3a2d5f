"""Logs, made by the program that RINGSIDE_PROGRAM names."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))


class Program:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments, status=0):
        done = subprocess.run([self.path, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=300)  # fmt: skip
        assert status in (None, done.returncode), done.stderr.decode() + done.stdout.decode()
        return done.stdout.decode()

    def document(self, *arguments, status=0):
        return json.loads(self.run(*arguments, "--json", status=status))


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("RINGSIDE_PROGRAM")
    if not path:
        pytest.fail("RINGSIDE_PROGRAM is not set; ctest sets it")
    return Program(path)


@pytest.fixture(scope="session")
def root():
    return ROOT


class Logs:
    """One run in every format. The first run of a session makes them."""

    def __init__(self, program, directory, scenario):
        self.rlog = directory / "run.rlog"
        self.jsonl = directory / "run.jsonl"
        self.timeline = directory / "run.json"
        program.run("run", scenario, "--on", "model", "--trace", self.rlog, "--timeline", self.timeline)
        program.run("export", self.rlog, "--to", self.jsonl)


@pytest.fixture(scope="session")
def logs(program, tmp_path_factory):
    return Logs(program, tmp_path_factory.mktemp("logs"), "multi-queue")
