#!/bin/bash
# scripts/fuzz.sh PROGRAM CORPUS SECONDS FOLDER [OPTIONS...]: runs a libFuzzer program from CORPUS on. FOLDER keeps what it
# found that is new, and, if it fails, the input that does it. OPTIONS are libFuzzer's.
set -euo pipefail

program=$1 corpus=$2 seconds=$3 folder=$4
shift 4
mkdir -p "$folder/corpus"
options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$folder/" -print_final_stats=1 "$@")
if [[ -f $corpus.dict ]]; then options+=(-dict="$corpus.dict"); fi
exec "$program" "${options[@]}" "$folder/corpus" "$corpus"
