#!/usr/bin/env bash
# Style as a test: formatting, file sizes, and what must not be left behind. Prints each offence; fails if there is any.
set -uo pipefail
failed=0
offend() { echo "style: $*"; failed=1; }

mapfile -t sources < <(git ls-files '*.h' '*.cc')
[ ${#sources[@]} -gt 20 ] || offend "found only ${#sources[@]} source files: run from the root of the repository"

unformatted=$(clang-format-19 --dry-run "${sources[@]}" 2>&1 | grep -oE '^[^:]+\.(h|cc)' | sort -u)
[ -z "$unformatted" ] || offend "not formatted (clang-format-19 -i): $unformatted"

for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 450 ] || offend "$file has $lines lines; split it below 450"
done

for header in $(git ls-files '*.h'); do
  grep -q '^#pragma once$' "$header" || offend "$header lacks #pragma once"
  case $(sed -n 1p "$header") in '//'*) ;; *) offend "$header does not begin with a comment that says what it is for" ;; esac
done

# RocksDB, RESTinio and librdkafka stay behind our own headers.
leaks=$(git grep -nE '#include <(rocksdb|restinio|librdkafka)' -- '*.h')
[ -z "$leaks" ] || offend "a library's header in ours: $leaks"
leaks=$(git grep -niE 'rd_kafka_' -- '*.h' ':!engine/log/kafka_handle.h')
[ -z "$leaks" ] || offend "a type of librdkafka in a header: $leaks"
leaks=$(git grep -l '"engine/log/kafka_handle.h"' -- '*.h' '*.cc' | grep -vE '^((engine/log|tools/server|consumers/relay)/kafka_[a-z_]+|tools/tenure/bench_kafka_feed)\.cc$')
[ -z "$leaks" ] || offend "engine/log/kafka_handle.h is for kafka_*.cc of engine/log, tools/server and consumers/relay, and the client of the bench, alone: $leaks"

left=$(git grep -nE 'TO[D]O|FIX[M]E|\bX[X]X\b|GTEST_S[K]IP|DISABLED[_]' -- '*.h' '*.cc' '*.py' 'ops/*')
[ -z "$left" ] || offend "left behind: $left"

[ $failed -eq 0 ] && echo "style: ${#sources[@]} source files, no offence"
exit $failed
