#!/bin/sh
# coverage.sh BUILD: what the corpus in BUILD/corpus (made by run.sh) reaches, by clang's own coverage of sources: of
# driver/ by the fuzz target driver, of model/ by registers and rings. Builds these once more, into BUILD/coverage.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
corpus=$(cd "$1/corpus" && pwd)
build=$1/coverage
targets="fuzz_driver fuzz_registers fuzz_rings"

mkdir -p "$build"
build=$(cd "$build" && pwd)
cmake -S "$project" --preset fuzz -B "$build" -DRINGSIDE_SANITIZE= \
  -DCMAKE_CXX_FLAGS="-O1 -g1 -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping" > "$build/configure.log"
ninja -C "$build" -j2 $targets > "$build/build.log" || { tail -n 30 "$build/build.log"; exit 1; }

# report TREE TARGET...: the lines of TREE that the targets' corpora reach.
report() {
  tree=$1
  shift
  first=$1
  profiles=
  objects=
  for target in "$@"; do
    LLVM_PROFILE_FILE="$build/$target.raw" "$build/fuzzers/fuzz_$target" -runs=0 -timeout=60 "$corpus/$target" \
      > "$build/$target.log" 2>&1
    profiles="$profiles $build/$target.raw"
    [ "$target" = "$first" ] || objects="$objects -object $build/fuzzers/fuzz_$target"
  done
  llvm-profdata merge -o "$build/$first.data" $profiles
  echo "$tree/ by $*:"
  llvm-cov report "$build/fuzzers/fuzz_$first" $objects -instr-profile="$build/$first.data" "$project/$tree" |
    tee "$build/$tree.txt" | grep -E "^(Filename|TOTAL)"
}
report driver driver
report model registers rings
echo "file by file: $build/driver.txt, $build/model.txt"
