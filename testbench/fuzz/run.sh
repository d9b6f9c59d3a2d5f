#!/bin/sh
# run.sh BUILD SECONDS [TARGET...]: builds the fuzzers into the directory BUILD (slow the first time) and lets each run
# for that long: `testbench/fuzz/run.sh build-fuzz 3600` is the long one. The corpus stays in BUILD/corpus. Status 77
# where clang or its libFuzzer is missing, else that of the first fuzzer that found something; what it found lies in
# BUILD/found.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
seconds=$2
shift 2
[ $# -gt 0 ] || set -- log records waivers plan program registers rings driver messages sessions

mkdir -p "$build/found"
build=$(cd "$build" && pwd)
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' > "$build/probe.cpp"
if ! clang++ -fsanitize=fuzzer,address "$build/probe.cpp" -o "$build/probe" > "$build/probe.log" 2>&1; then
  echo "skipped: no clang++ with libFuzzer here; install clang"
  exit 77
fi
launcher=
command -v ccache > /dev/null && launcher=-DCMAKE_CXX_COMPILER_LAUNCHER=ccache
cmake -S "$project" --preset fuzz -B "$build" \
  $launcher > "$build/configure.log"
ninja -C "$build" -j2 fuzzers > "$build/build.log" || { tail -n 30 "$build/build.log"; exit 1; }
"$build/fuzzers/ringside_fuzz_seeds" "$project" "$build/corpus"
for target in "$@"; do
  echo "fuzz_$target for $seconds s"
  # SystemC's kernel keeps what was elaborated until the process is gone.
  case $target in registers | rings | sessions) leaks=0 ;; *) leaks=1 ;; esac
  ASAN_OPTIONS=detect_leaks=$leaks "$build/fuzzers/fuzz_$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=1024 -verbosity=0 \
    -detect_leaks=$leaks -print_final_stats=1 -artifact_prefix="$build/found/$target-" "$build/corpus/$target" > "$build/$target.log" 2>&1 ||
    { tail -n 40 "$build/$target.log"; exit 1; }
  grep -E "stat::number_of_executed_units" "$build/$target.log"
done
