"""Every document that a command prints, against its JSON Schema in docs/schema."""

import json
import re

import pytest

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="session")
def validate(root):
    def check(document, family=None):
        name = (family or document["schema"]).replace("ringside.", "").replace("/", "-")
        schema = json.loads((root / "docs/schema" / (name + ".schema.json")).read_text())
        jsonschema.Draft202012Validator(schema).validate(document)

    return check


def test_the_schemas_are_schemas(root):
    files = list((root / "docs/schema").glob("*.json"))
    assert len(files) >= 9
    for file in files:
        jsonschema.Draft202012Validator.check_schema(json.loads(file.read_text()))


def test_every_document_that_a_command_can_print_has_one(root):
    printed = set()
    for source in (root / "testbench/cli").rglob("*.cpp"):
        printed |= set(re.findall(r'"ringside\.([a-z]+/\d+)"', source.read_text()))
    assert "run/1" in printed
    have = {file.name.replace(".schema.json", "").replace("-", "/") for file in (root / "docs/schema").iterdir()}
    assert printed - have == set()


def test_run(program, validate):
    document = program.document("run", "flush", "get-id", "ecam", "--machine", "pc")
    assert [row["verdict"] for row in document["scenarios"]] == ["held", "held", "skip"]
    validate(document)


def test_run_with_faults(program, validate, root):
    plan = next((root / "traces/faults").glob("*.toml"))
    document = json.loads(program.run("run", "read-write", "--faults", plan, "--json", status=None))
    assert document["scenarios"][0]["faults"]
    validate(document)


def test_compare(program, validate):
    same = program.document("compare", "flush", "--left", "model", "--right", "model")
    other = program.document("compare", "get-id", "--left", "model", "--right", "model,quirks=qemu-7.2", status=1)
    assert other["scenarios"][0]["first_divergence"]["fields"]
    validate(same)
    validate(other)


def test_diff(program, validate, logs):
    validate(program.document("diff", logs.rlog, logs.rlog))


def test_list(program, validate):
    validate(program.document("list"))


def test_export(program, validate, logs, tmp_path):
    validate(program.document("export", logs.rlog, "--to", tmp_path / "x.vcd"))


def test_bench(program, validate):
    validate(program.document("bench", "read512_qd32", "--repetitions", "1", "--slice", "0.01"))


def test_every_line_of_a_log(validate, logs):
    lines = logs.jsonl.read_text().splitlines()
    for line in lines[:3000] + lines[-100:]:
        validate(json.loads(line), "ringside.log/1")


def test_a_wrong_document_does_not_pass(program, validate):
    document = program.document("list")
    del document["targets"][0]["summary"]
    with pytest.raises(jsonschema.ValidationError):
        validate(document)
    for line in ({"n": 0, "time": 1, "tap": "driver"}, {"n": 0, "time": -1, "tap": "driver", "kind": "relax"},
                 {"n": 0, "time": 1, "tap": "side", "kind": "relax"}, {"schema": "ringside.log/2.0"}):  # fmt: skip
        with pytest.raises(jsonschema.ValidationError):
            validate(line, "ringside.log/1")
