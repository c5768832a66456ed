#!/bin/bash
# prove.sh: shows on a real Docker engine that compose.yaml does what it says. Needs docker, docker-compose (1.29 or the plugin) and
# curl; for images that cannot be pulled also debootstrap, as root. Builds the images from a copy of the clone that nobody but its
# owner can read (umask 077), brings the lab up as a project of its own on free ports, uses it, looks at it through Prometheus,
# kills it, and takes everything down again. Exit code 0: all checks held.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# shellcheck source=docker/proving.sh
source docker/proving.sh
export COMPOSE_PROJECT_NAME=alloclab-proof
export LAB_GRPC_PORT=0 LAB_WEB_PORT=0 LAB_METRICS_PORT=0 LAB_PROMETHEUS_PORT=0 LAB_GRAFANA_PORT=0  # any that is free
SERVICES=(server loadgen prometheus)
CLONE=$(mktemp -d)
readonly CLONE

# copy_privately: what git knows of the clone, as a clone under umask 077 has it.
copy_privately() (
  umask 077
  git ls-files -z | tar --create --null --files-from - | tar --extract --no-same-permissions --directory "$CLONE"
)

# --- Checks ---

in_server() { compose exec -T server "$@"; }
container() { compose ps -q "$1"; }
healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")") == healthy ]]; }
running() { [[ $(docker inspect --format '{{.State.Running}}' "$(container "$1")") == true ]]; }
# value EXPRESSION: its first value in Prometheus, asked from the host.
value() {
  curl -fsS --data-urlencode "query=$1" "http://$(compose port prometheus 9090)/api/v1/query" |
    sed -n 's/.*"value":\[[0-9.]*,"\([^"]*\)"\].*/\1/p'
}
four_are_up() { [[ $(value 'count(up{job="alloclabd"} == 1)') == 4 ]]; }
positive() { [[ -n $(value "($1) > 0") ]]; }
published_on_loopback() { ! docker port "$(container "$1")" | grep -v -- '-> 127.0.0.1:'; }
hardened() {
  local id
  id=$(container "$1")
  [[ $(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}' "$id") == \
    "true [ALL] [no-new-privileges:true]" ]]
}
no_root() { [[ $(compose exec -T "$1" id -u) =~ ^[1-9] ]]; }
no_capabilities() { in_server grep -q '^CapEff:.0*$' /proc/1/status && in_server grep -q '^NoNewPrivs:.1$' /proc/1/status; }
cannot_write() { ! in_server touch /usr/local/bin/x; }
web_answers() { curl -fsS "http://$(compose port server 7412)/" | grep -i '<html'; }
run_is_counted() {
  local operations
  operations=$(in_server alloclab runs show 1 --output json | sed -n 's/.*"operations_done": "\([0-9]*\)".*/\1/p')
  [[ -n $operations && $(value 'sum(max_over_time(alloclab_heap_operations_total{lab_instance="run-1"}[5m]))') == "$operations" ]]
}
run_is_kept() { in_server alloclab runs show 1 --output json | grep SUCCEEDED; }
mounts_no_file() { ! docker inspect --format '{{range .Mounts}}{{.Type}} {{end}}' "$(container "$1")" | grep bind; }
# readable IMAGE FOLDER...: the image's user can read all that is in them.
readable() {
  local image=$1
  shift
  [[ -z $(docker run --rm --entrypoint find "$image" "$@" ! -readable 2>&1) ]] &&
    [[ -n $(docker run --rm --entrypoint find "$image" "$@" -name '*.y*ml') ]]
}
# graded: the grader's report of an example of the SDK, made without a network and with nothing writable but /tmp.
graded() {
  docker run --rm --network none --read-only --tmpfs /tmp --user "$(id -u):$(id -g)" -v "$CLONE/sdk/examples:/work:ro" \
    alloclab-grader:local grade next_fit.c --output json
}
grades_alike() { [[ $(graded | grep '"total"') =~ [1-9] && $(graded) == "$(graded)" ]]; }
links_follow() {
  docker run --rm --read-only --tmpfs /tmp -e LAB_WEB_PORT=17412 alloclab-grafana:local grep -r 127.0.0.1:17412/ /tmp/dashboards
}
grafana_shows() { curl -fsS "http://$(compose port grafana 3000)/api/dashboards/uid/alloclab-$1" | grep '"provisioned":true'; }

check_services() {
  check "the server is healthy by its own word" healthy server
  check "Prometheus is healthy" healthy prometheus
  check "the load generator runs" running loadgen
  check "the web page answers" web_answers
  local service
  for service in "${SERVICES[@]}"; do
    check "$service: read-only, no capabilities, no new privileges" hardened "$service"
    check "$service: published on loopback only" published_on_loopback "$service"
    check "$service: not root" no_root "$service"
    check "$service: mounts no file of the clone" mounts_no_file "$service"
  done
  check "server: the kernel agrees that it has no capabilities" no_capabilities
  check "server: its programs cannot be overwritten" cannot_write
}

check_metrics() {
  check "Prometheus reaches the server" positive 'up{job="alloclabd"}'
  check "Prometheus reaches the load generator" positive 'up{job="loadgen"}'
  check "the run's operations are in Prometheus, every one" run_is_counted
  check "the demo's operations are in Prometheus" positive 'sum(rate(alloclab_heap_operations_total{lab_instance=~"demo-.*"}[20s]))'
  check "the generator's own figures are, too" positive 'sum(rate(alloclab_load_operations_total[20s]))'
}

# check_cluster: the profile's servers, beside the one that is there.
check_cluster() {
  compose --profile cluster up -d --scale replica=3 replica >/dev/null 2>&1
  check "Prometheus finds the three servers of the profile cluster, too" four_are_up
  check "what one of them takes in" compose exec -T --index 1 replica alloclab submit sqlite
  docker ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter label=com.docker.compose.service=replica \
    --filter label=com.docker.compose.container-number=1 | xargs docker kill >/dev/null
  check "another knows when the first is killed" eval 'compose exec -T --index 2 replica alloclab runs show 1 --output json | grep SUCCEEDED'
}

check_restart() {
  docker kill "$(container server)" >/dev/null
  compose up -d "${SERVICES[@]}" >/dev/null 2>&1
  check "killed and started again, the server is healthy" healthy server
  check "the run survived" run_is_kept
  check "the demo found its way back" positive 'sum(rate(alloclab_heap_operations_total{lab_instance=~"demo-.*"}[10s]))'
  local id
  id=$(container server)
  compose stop server >/dev/null 2>&1
  check "asked to stop, the server ends well by itself" test "$(docker inspect --format '{{.State.ExitCode}}' "$id")" = 0
  compose --profile load up -d --no-deps generator >/dev/null 2>&1
  id=$(docker ps --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter label=com.docker.compose.service=generator)
  docker stop --time 5 "$id" >/dev/null
  check "so does a load generator that waits for it" test "$(docker inspect --format '{{.State.ExitCode}}' "$id")" = 130
}

tear_down() {
  local result=$?
  if ((result != 0 || failures != 0)); then compose logs --tail 20 server loadgen || true; fi
  compose --profile cluster --profile load down --volumes --timeout 20 >/dev/null 2>&1 || true
  remove_stand_ins
  rm -rf "$CLONE"
}

main() {
  docker info >/dev/null 2>&1 || die "no Docker engine answers; start dockerd, or the docker service"
  trap tear_down EXIT
  say "Engine $(docker version --format '{{.Server.Version}}'), $(compose version --short)"
  have_image "$BASE" || make_base
  have_image "$PROMETHEUS" || make_prometheus
  have_image "$POSTGRES" || make_postgres
  if have_image "$GRAFANA"; then SERVICES+=(grafana); else make_grafana; fi
  copy_privately
  cd "$CLONE"
  say "Building the images"
  compose build server loadgen prometheus grafana
  docker build --quiet --file docker/Dockerfile --target grader --tag alloclab-grader:local . >/dev/null
  say "Image alloclab-grader:local, $(($(docker image inspect --format '{{.Size}}' alloclab-grader:local) / 1000000)) MB"
  say "Image alloclab:local, $(($(docker image inspect --format '{{.Size}}' alloclab:local) / 1000000)) MB"
  compose up -d "${SERVICES[@]}"
  check_services
  check "Grafana's image: its user can read configuration and dashboards" \
    readable alloclab-grafana:local /etc/grafana/provisioning /etc/alloclab/dashboards
  check "the links of Grafana's dashboards lead to the ports that are published" links_follow
  say "Replaying a recorded trace by the CLI, inside the container"
  in_server alloclab submit sqlite
  check_metrics
  check_cluster
  if [[ " ${SERVICES[*]} " == *" grafana "* ]]; then
    check "Grafana shows the overview to anybody" grafana_shows overview
    check "Grafana shows the instance dashboard to anybody" grafana_shows instance
  fi
  check "the grader compiles and grades an example, twice alike" grades_alike
  check_restart
  ((failures == 0)) || die "$failures checks failed"
  say "All checks held"
}

main "$@"
