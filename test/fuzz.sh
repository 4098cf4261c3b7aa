#!/usr/bin/env bash
# Runs every fuzz target of the module for a while each: test/fuzz.sh [20s]
set -euo pipefail
time=${1:-20s}
found=0 failed=0
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    found=$((found + 1))
    echo "== $package $target $time"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x "$package" || failed=$((failed + 1))
  done
done
echo "$found fuzz targets, $failed failed"
[ "$found" -gt 0 ] && [ "$failed" -eq 0 ]
