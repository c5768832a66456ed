#!/bin/bash
# prove_cluster.sh [--built] [--operations N] [--every SECONDS]: shows on a real Docker engine, as the one host of a swarm, that
# docker/stack.yaml is a lab that loses no run. Needs docker, docker-compose, curl, iptables, python3 and root; for images that
# cannot be pulled also debootstrap. Makes a study of 200 cells (alloclab compare --study) on one container with SQLite, deploys the
# stack with three servers, and makes it there while servers are killed, one is cut off the network, and PostgreSQL is ended in the
# middle: the study must end by itself, each cell once, and to the byte as on the one. Looks whether Prometheus found every server,
# lets the stack's generators do a load together, and takes everything down again.
# Exit code 0: all checks held. A swarm that is there already is used, and stays; --built takes the images as they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# shellcheck source=docker/proving.sh
source docker/proving.sh
readonly STACK=alloclab-proof ALONE=alloclab-proof-alone
OPERATIONS=100000
EVERY=5
PATIENCE=120  # servers end and are started again until the database is there
BUILT=

task() { docker ps --quiet --filter "label=com.docker.swarm.service.name=${STACK}_$1"; }
servers_run() { [[ $(task server | wc -l) == 3 ]]; }
# By its own word: what stands in the health of each container.
servers_serve() {
  local id
  for id in $(task server); do
    [[ $(docker inspect --format '{{.State.Health.Status}}' "$id") == healthy ]] || return 1
  done
  servers_run
}
in_lab() { docker run --rm --network "${STACK}_lab" "$@"; }
is() { [[ $(value_in "$(task prometheus | head -1)" "$1") == "$2" ]]; }
hardened() {
  [[ $(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' "$(task "$1" | head -1)") == "true [ALL]" ]]
}
publishes_nothing() { ! docker stack services "$STACK" --format '{{.Ports}}' | grep .; }

check_place() {
  docker info >/dev/null 2>&1 || die "no Docker engine answers; start dockerd, or the docker service"
  [[ -z $(volumes_of "$STACK") ]] || die "volumes of an earlier proof are there: $(volumes_of "$STACK" | xargs); remove them with docker volume rm"
}

prepare() {
  say "Engine $(docker version --format '{{.Server.Version}}')"
  have_image "$BASE" || make_base
  have_image "$PROMETHEUS" || make_prometheus
  have_image "$POSTGRES" || make_postgres
  have_image "$GRAFANA" || make_grafana
  if [[ -z $BUILT ]]; then
    say "Building the images"
    compose build server prometheus grafana
  fi
  join_swarm
}

deploy() {
  docker run --detach --name "$ALONE" --env ALLOCLAB_INSECURE=on --cpus 2 alloclab:local >/dev/null
  docker stack deploy --detach --resolve-image never --compose-file docker/stack.yaml "$STACK" >/dev/null
  docker service scale --detach "${STACK}_loadgen=0" "${STACK}_generator=0" >/dev/null  # the proof is what loads it
  check "three servers run" servers_run
  check "the servers are healthy by their own word" servers_serve
  check "nothing is published" publishes_nothing
  local service
  for service in server database prometheus; do check "$service: read-only, no capabilities" hardened "$service"; done
  check "Prometheus found three servers by DNS, and reaches them" is 'count(up{job="alloclabd"} == 1)' 3
}

lead_a_load() {
  docker service scale --detach "${STACK}_generator=3" >/dev/null
  in_lab --name leader alloclab:local alloclab load steady-state --generators 4 --connections 8 --rate 40k --duration 5s \
    --listen '*:7416' --insecure --server server:7411 --join-timeout 2m --threshold lost_operations==0
}

tear_down() {
  local result=$?
  if ((result != 0 || failures != 0)); then docker service ps "${STACK}_server" "${STACK}_database" | head -20 || true; fi
  docker rm --force "$ALONE" >/dev/null 2>&1 || true
  remove_stack "$STACK"
  leave_swarm
  remove_stand_ins
}

main() {
  while (($# > 0)); do
    case $1 in
      --built)
        BUILT=1
        shift
        continue
        ;;
      --operations) OPERATIONS=${2:?--operations: expected a number} ;;
      --every) EVERY=${2:?--every: expected seconds} ;;
      *) die "$1: expected --built, --operations N or --every SECONDS" ;;
    esac
    shift 2
  done
  check_place
  trap tear_down EXIT
  prepare
  deploy
  say "A study of 200 cells of $OPERATIONS operations, on one container and on the stack"
  python3 server/robustness/cluster_swarm.py --stack "$STACK" --alone "$ALONE" --operations "$OPERATIONS" --every "$EVERY" ||
    failures=$((failures + 1))
  check "three servers run again" servers_run
  say "A load by a leader and the three generators of the stack"
  check "they do one load together, and none is lost" lead_a_load
  ((failures == 0)) || die "$failures checks failed"
  say "All checks held"
}

main "$@"
