"""FST, converted back by GTKWave's fst2vcd, is the VCD: every signal, with every change at its time."""

import collections
import shutil
import subprocess

import pytest


def read_vcd(path):
    """name -> type, and name -> [(time, value)]."""
    names, types, changes = {}, {}, collections.defaultdict(list)
    scope, time, declaring = [], 0, True
    for line in path.read_text().splitlines():
        words = line.split()
        if declaring:
            if words[:1] == ["$scope"]:
                scope.append(words[2])
            elif words[:1] == ["$upscope"]:
                scope.pop()
            elif words[:1] == ["$var"]:
                names[words[3]] = ".".join(scope + [words[4]])
                types[names[words[3]]] = words[1]
            elif words[:1] == ["$enddefinitions"]:
                declaring = False
        elif line.startswith("#"):
            time = int(line[1:])
        elif line[:1] in "bs":
            changes[names[words[-1]]].append((time, words[0][1:]))
        elif line[:1] in "01":
            changes[names[line[1:]]].append((time, line[0]))
    return types, dict(changes)


@pytest.mark.parametrize("scenario", ["multi-queue", "packed", "two-disks"])
def test_fst2vcd_gives_the_vcd(program, tmp_path, scenario):
    fst2vcd = shutil.which("fst2vcd")
    if fst2vcd is None:
        pytest.skip("install gtkwave for its fst2vcd; the unit tests compare by GTKWave's library")
    done = subprocess.run([program.path, "run", scenario, "--trace", tmp_path / "w.rlog", "--wave", tmp_path / "w.fst"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)  # fmt: skip
    if done.returncode == 3:
        assert b"verilator" in done.stderr
        pytest.skip("this build writes no FST")
    assert done.returncode == 0
    program.run("export", tmp_path / "w.rlog", "--to", tmp_path / "w.vcd")
    subprocess.run([fst2vcd, tmp_path / "w.fst", "-o", tmp_path / "back.vcd"], stdout=subprocess.DEVNULL, check=True)
    types, changes = read_vcd(tmp_path / "w.vcd")
    back_types, back_changes = read_vcd(tmp_path / "back.vcd")
    assert types == back_types and len(types) > 30
    assert changes == back_changes and sum(map(len, changes.values())) > 1000
