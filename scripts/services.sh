# shellcheck shell=bash
# The two daemons that ./lab up runs: alloclabd and Prometheus. Each has a folder .lab/NAME with its pid, log and data. A process
# counts as ours only if its command line names that folder, so that a pid file left from before a crash does no harm.

# defaults, or what the last ./lab up was told
load_addresses() {
  local given_listen=${ALLOCLAB_LISTEN:-} given_web=${ALLOCLAB_WEB_LISTEN:-} given_metrics=${ALLOCLAB_METRICS_LISTEN:-}
  local given_prometheus=${LAB_PROMETHEUS_LISTEN:-}
  # shellcheck source=/dev/null
  if [[ -r $LAB/addresses ]]; then source "$LAB/addresses"; fi
  export ALLOCLAB_LISTEN=${given_listen:-${ALLOCLAB_LISTEN:-127.0.0.1:7411}}
  export ALLOCLAB_WEB_LISTEN=${given_web:-${ALLOCLAB_WEB_LISTEN:-127.0.0.1:7412}}
  export ALLOCLAB_METRICS_LISTEN=${given_metrics:-${ALLOCLAB_METRICS_LISTEN:-127.0.0.1:7413}}
  LAB_PROMETHEUS_LISTEN=${given_prometheus:-${LAB_PROMETHEUS_LISTEN:-127.0.0.1:7414}}
  export ALLOCLAB_SERVER=$ALLOCLAB_LISTEN
}

save_addresses() {
  declare -p ALLOCLAB_LISTEN ALLOCLAB_WEB_LISTEN ALLOCLAB_METRICS_LISTEN LAB_PROMETHEUS_LISTEN |
    sed 's/^declare -[-x]* //' >"$LAB/addresses"
}

# command_of PID: one argument per line; nothing if there is no such process.
command_of() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline"; } 2>/dev/null

# pid_of NAME: of our process, if it lives.
pid_of() {
  local pid
  pid=$(cat "$LAB/$1/pid" 2>/dev/null) && [[ -n $pid && $(command_of "$pid") == *"$LAB/$1/"* ]] && echo "$pid"
}

# is_current NAME COMMAND...: runs, with this very command, from the file that is there now.
is_current() {
  local name=$1 pid
  shift
  pid=$(pid_of "$name") || return 1
  [[ $(command_of "$pid") == "$(printf '%s\n' "$@")" && $(readlink "/proc/$pid/exe") == "$(readlink -f "$1")" ]]
}

# port_owner HOST:PORT: "NAME (pid N)" of the process that listens there, as far as we may see; fails if the port is free.
port_owner() {
  local port=${1##*:} inode fd pid
  inode=$(awk -v port="$(printf ':%04X' "$port")" '$4 == "0A" && $2 ~ port "$" { print $10; exit }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  [[ -n $inode ]] || return 1
  for fd in /proc/[0-9]*/fd/*; do
    if [[ $(readlink "$fd" 2>/dev/null) == "socket:[$inode]" ]]; then
      pid=${fd#/proc/}
      pid=${pid%%/*}
      echo "$(<"/proc/$pid/comm") (pid $pid)"
      return
    fi
  done
  echo "a process of another user"
}

# require_free NAME VARIABLE...: the ports that these variables name are free for the daemon NAME.
require_free() {
  local name=$1 variable owner
  shift
  for variable in "$@"; do
    if owner=$(port_owner "${!variable}"); then
      die "$name cannot have ${!variable}: $owner listens there" "Stop that, or choose another: $variable=127.0.0.1:PORT ./lab up"
    fi
  done
}

# start NAME COMMAND...: in the background, in a session of its own, its words into .lab/NAME/log.
start() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$LAB/$name/log" 2>&1 {LOCK}>&- &
  echo $! >"$LAB/$name/pid"
}

# wait_until NAME SECONDS CONDITION...: until the condition holds; ends with the log if the process ends first.
wait_until() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    pid_of "$name" >/dev/null || die "$name ended at once; the end of its log:" "$(tail -n 8 "$LAB/$name/log")"
    ((SECONDS < deadline)) || die "$name runs but does not answer; the end of its log:" "$(tail -n 8 "$LAB/$name/log")" \
      "Try: ./lab down, then ./lab up"
    sleep 0.2
  done
}

# stop NAME: asks, waits 15 s, insists.
stop() {
  local name=$1 pid deadline=$((SECONDS + 15))
  if ! pid=$(pid_of "$name"); then
    rm -f "$LAB/$name/pid"
    return 1
  fi
  kill "$pid"
  while pid_of "$name" >/dev/null; do
    if ((SECONDS >= deadline)); then
      note "$name did not end when asked; killing it"
      kill -9 "$pid" 2>/dev/null || true
    fi
    sleep 0.1
  done
  rm -f "$LAB/$name/pid"
}

server_healthy() { timeout 5 "$BIN/alloclabd" healthcheck; }
prometheus_healthy() { curl -fsS --max-time 5 "http://$LAB_PROMETHEUS_LISTEN/-/ready"; }

# up_server: keeps a server that is current, replaces one that is not.
up_server() {
  local command=("$BIN/alloclabd" --data-dir "$LAB/alloclabd/data" --listen "$ALLOCLAB_LISTEN"
    --web-listen "$ALLOCLAB_WEB_LISTEN" --metrics-listen "$ALLOCLAB_METRICS_LISTEN"
    --prometheus-url "http://$LAB_PROMETHEUS_LISTEN")
  mkdir -p "$LAB/alloclabd/data"
  if is_current alloclabd "${command[@]}" && server_healthy >/dev/null 2>&1; then
    step "alloclabd runs already (pid $(pid_of alloclabd))"
    return
  fi
  if stop alloclabd; then note "replacing the alloclabd that ran before"; fi
  require_free alloclabd ALLOCLAB_LISTEN ALLOCLAB_WEB_LISTEN ALLOCLAB_METRICS_LISTEN
  start alloclabd "${command[@]}"
  wait_until alloclabd 30 server_healthy
  step "alloclabd is up (pid $(pid_of alloclabd), log $(short "$LAB/alloclabd/log"))"
}

# configure_prometheus: this project's configuration, with the addresses that are really used.
configure_prometheus() {
  mkdir -p "$LAB/prometheus/data"
  cp "$ROOT"/dashboards/prometheus/{prometheus,alloclab.rules}.yml "$LAB/prometheus/"
  cat >"$LAB/prometheus/targets.yml" <<TARGETS
- targets: ['$ALLOCLAB_METRICS_LISTEN']
  labels: {job: alloclabd}
- targets: ['127.0.0.1:7415']
  labels: {job: loadgen}
- targets: ['$LAB_PROMETHEUS_LISTEN']
  labels: {job: prometheus}
TARGETS
}

up_prometheus() {
  local command=(/usr/bin/prometheus --config.file="$LAB/prometheus/prometheus.yml"
    --storage.tsdb.path="$LAB/prometheus/data" --storage.tsdb.retention.time=15d
    --web.listen-address="$LAB_PROMETHEUS_LISTEN")
  configure_prometheus
  if is_current prometheus "${command[@]}" && prometheus_healthy >/dev/null 2>&1; then
    kill -HUP "$(pid_of prometheus)"  # reads its configuration again
    step "Prometheus runs already (pid $(pid_of prometheus))"
    return
  fi
  if stop prometheus; then note "replacing the Prometheus that ran before"; fi
  require_free Prometheus LAB_PROMETHEUS_LISTEN
  start prometheus "${command[@]}"
  wait_until prometheus 30 prometheus_healthy
  step "Prometheus is up (pid $(pid_of prometheus), log $(short "$LAB/prometheus/log"))"
}

# query EXPRESSION: its first value, or nothing.
query() {
  curl -fsS --max-time 5 --data-urlencode "query=$1" "http://$LAB_PROMETHEUS_LISTEN/api/v1/query" |
    sed -n 's/.*"value":\[[0-9.]*,"\([^"]*\)"\].*/\1/p'
}
