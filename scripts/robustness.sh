# The long trials of server/robustness, for ./lab test robustness; sourced by lab.
# shellcheck shell=bash

# Each in the clear and by TLS with a token, but for the last.
readonly TRIALS=(connections.py silent_uploads.py hostile_programs.py malformed.py slow_readers.py abandoned.py
  transport_abuse.py serialisability.py metrics_endpoint.py unread_log.py overload.py memory.sh cluster.py soak.py
  'crash_loop.py --mode kill' 'crash_loop.py --mode term' 'crash_loop.py --mode points')
readonly SECURED_TRIALS=(secured.py)

# cmd_robustness [NAME...]: all trials, which takes hours, or those whose program's name begins so. Outputs are in
# .lab/robustness.
cmd_robustness() {
  local chosen=() trial name
  for trial in "${TRIALS[@]}" "${SECURED_TRIALS[@]}"; do
    for name in "${@:-}"; do
      if [[ $trial == "$name"* ]]; then chosen+=("$trial"); fi
    done
  done
  ((${#chosen[@]})) ||
    usage_error "no trial '$*'; there are $(printf '%s\n' "${TRIALS[@]%% *}" "${SECURED_TRIALS[@]}" | uniq | paste -sd' ')"
  ensure_packages build up test
  build dev alloclabd alloclab offer_calls memory_abuse alloclab_faults
  mkdir -p "$LAB/robustness"
  local missed=()
  for trial in "${chosen[@]}"; do
    if [[ " ${SECURED_TRIALS[*]} " != *" $trial "* ]]; then run_trial "$trial"; fi
    run_trial "$trial" --tls --token
  done
  ((${#missed[@]} == 0)) || die "missed: ${missed[*]}" "What each found is in $(short "$LAB/robustness")"
  step "All ${#chosen[@]} reached what they are held to"
}

# run_trial TRIAL [--tls --token]: adds to `missed`.
run_trial() {
  local -a words
  read -ra words <<<"$1"
  local log="$LAB/robustness/${1// /}${2-}" outcome=ok
  "server/robustness/${words[0]}" "${words[@]:1}" "${@:2}" >"$log" 2>&1 || outcome=MISSED
  step "$outcome  $*"
  if [[ $outcome != ok ]]; then
    missed+=("$*;")
    grep -E 'MISS|LOST|TWICE|Error' "$log" | head -5 || true
  fi
}
