#!/bin/bash
# prove_secured.sh [compose|stack]...: shows on a real Docker engine that secured.yaml and secured_stack.yaml let in whom they should, and
# nobody else. Takes the images as they are (prove.sh builds them); needs what prove_cluster.sh needs. Exit code 0: all checks held.
# With compose the client comes from another network of this host, to the address that other hosts reach; the stack is on the one host
# of a swarm, so it has one server: each node publishes its own.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

PATIENCE=${PATIENCE:-120}
# shellcheck source=docker/proving.sh
source docker/proving.sh
export COMPOSE_PROJECT_NAME=alloclab-secured COMPOSE_FILE=docker/compose.yaml:docker/secured.yaml COMPOSE_PROFILES=load
export LAB_GRPC_PORT=0 LAB_WEB_PORT=0 LAB_METRICS_PORT=0 LAB_PROMETHEUS_PORT=0 LAB_GRAFANA_PORT=0  # any that is free
export LAB_ADDRESS LAB_SECRETS LAB_VERSION=proof-1
# Of the engine's bridge, as the host has it: an engine that was started for the first time does not say.
LAB_ADDRESS=$(ip -4 -oneline address show "$(docker network inspect bridge --format '{{index .Options "com.docker.network.bridge.name"}}')" |
  awk '{ sub("/.*", "", $4); print $4; exit }')
readonly STACK=alloclab-secured-stack
SHARED=$(mktemp -d)  # what a client has
readonly SHARED
LAB=  # host:port of gRPC
WEB=
FIND=  # how to find the container of a service
RUN=() AS=  # what runs a container beside those of the lab, with what a generator has, and as what

# client ARGUMENT...: the command line, in the network of nobody.
client() {
  docker run --rm --network bridge --user "$(id -u):$(id -g)" --volume "$SHARED:/shared:ro" alloclab:local alloclab --server "$LAB" "$@"
}
says() {
  local text=$1
  shift
  ! "$@" >"$SHARED/said" 2>&1 && grep -- "$text" "$SHARED/said"
}
by_tls() { client --ca /shared/ca.pem "$@"; }
as() {
  local name=$1
  shift
  by_tls --token-file "/shared/$name.token" "$@"
}
positive() { [[ -n $(value_in "$($FIND prometheus)" "($1) > 0") ]]; }
status() { curl -sS --cacert "$SHARED/ca.pem" -o "$SHARED/said" -w '%{http_code}' "$@"; }
page_asks() { [[ $(status "https://$WEB/api/runs") == 401 ]]; }
never_insecure() { ! docker logs "$1" 2>&1 | grep server.insecure; }
healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]; }

check_doors() {
  check "by no TLS nobody gets in" says "it refused the connection\|the connection broke off\|no connection" client server
  check "who trusts other authorities does not talk to it" says "not signed by whom" client --ca /shared/other/ca.pem server
  check "without a token nobody gets in" says "token" by_tls runs list
  check "with a wrong token nobody does" says "token" as wrong runs list
  check "a viewer looks" as eve runs list
  check "a viewer submits nothing" says "viewer" as eve submit sqlite
  check "a user submits" as ada submit sqlite
  check "and it is hers" eval 'as ada runs list --owner ada --output json | grep "\"owner\": \"ada\""'
  check "the page asks for a token" page_asks
  check "Prometheus reaches the server by TLS, with its token" positive 'up{job="alloclabd"}'
  check "the demo's load arrives, as a user" positive 'sum(rate(alloclab_heap_operations_total{lab_instance=~"demo-.*"}[20s]))'
}

lead() {
  "${RUN[@]}" --name leader "$AS" alloclab load steady-state --generators 3 --connections 6 --rate 20k --duration 3s --join-timeout 2m \
    --server server:7411 --listen '*:7416' --tls-cert /run/alloclab/server.pem --tls-key /run/alloclab/server.key \
    --threshold lost_operations==0 --threshold failed_operations==0 >"$SHARED/led" 2>&1
}
# join_with TOKEN: of somebody whom the lab knows, but who is not the leader.
join_with() { "${RUN[@]}" "$AS" sh -c "ALLOCLAB_TOKEN_FILE= ALLOCLAB_TOKEN=$1 alloclab load --join leader:7416 --server server:7411"; }

# check_generators COMMAND...: which brings two of them, where there is none.
check_generators() {
  lead &
  check "with another's token a generator does not join" says "token" join_with "$(<"$SHARED/ada.token")"
  "$@" >/dev/null 2>&1
  PATIENCE=0 check "by TLS and with the leader's three do one load, and lose nothing" wait $!
  ((failures == 0)) || tail -n 20 "$SHARED/said" "$SHARED/led"
}

prove_compose() {
  say "docker/secured.yaml, for $LAB_ADDRESS"
  FIND="compose ps -q" RUN=(compose run --rm --no-deps -T) AS=loadgen
  compose up -d server loadgen prometheus
  local server
  server=$(compose ps -q server)
  check "the server is healthy by its own word" healthy "$server"
  LAB=$(docker port "$server" 7411/tcp | grep "$LAB_ADDRESS")
  WEB=$(docker port "$server" 7412/tcp | grep "$LAB_ADDRESS")
  compose exec -T server cat /run/alloclab/ca.pem >"$SHARED/ca.pem"
  compose exec -T server alloclabd token create ada --role user 2>/dev/null >"$SHARED/ada.token"
  compose exec -T server alloclabd token create eve --role viewer 2>/dev/null >"$SHARED/eve.token"
  check "nobody but who made it has the authority's key" eval '! compose exec -T server cat /run/alloclab/authority/ca.key'
  check_doors
  check_generators compose up --detach --no-deps --scale generator=2 generator
  check "nothing of it is insecure" never_insecure "$server"
  compose down --volumes --timeout 20 >/dev/null 2>&1
}

# in_secrets COMMAND...: by the image, in the folder of who calls.
in_secrets() {
  docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$LAB_SECRETS:/run/alloclab" --env ALLOCLAB_DATA_DIR=/run/alloclab \
    alloclab:local "$@"
}
task() { docker ps --quiet --filter "label=com.docker.swarm.service.name=${STACK}_$1" | head -1; }
deploy() {
  LAB_SERVERS=1 LAB_GRPC_PORT=21411 LAB_WEB_PORT=21412 docker stack deploy --detach --resolve-image never --compose-file docker/stack.yaml \
    --compose-file docker/secured_stack.yaml "$STACK" >/dev/null
}
network_is() { [[ $(docker network inspect "${STACK}_$1" --format '{{.Internal}} {{.Attachable}} {{json .Options}}') == $2*encrypted* ]]; }
serves() { [[ -n $(task server) ]] && healthy "$(task server)"; }

prove_stack() {
  say "docker/secured_stack.yaml"
  FIND=task AS=alloclab:local
  join_swarm
  LAB_SECRETS=$SHARED/secrets
  mkdir -m 700 "$LAB_SECRETS" "$LAB_SECRETS/authority"
  in_secrets alloclab-secrets /run/alloclab server leader "$LAB_ADDRESS" >/dev/null 2>&1
  in_secrets alloclabd token create eve --role viewer 2>/dev/null >"$SHARED/eve.token"
  deploy
  check "a server is healthy by its own word" serves
  check "its networks are encrypted, and nobody is let into the database's" eval 'network_is lab "false true" && network_is database "true false"'
  LAB=$LAB_ADDRESS:21411 WEB=$LAB_ADDRESS:21412
  cp "$LAB_SECRETS/ca.pem" "$SHARED/ca.pem"
  in_secrets alloclabd token create ada --role user 2>/dev/null >"$SHARED/ada.token"
  check "a token that the stack does not have yet is none" says "token" as ada runs list
  LAB_VERSION=proof-2
  deploy
  docker service scale --detach "${STACK}_generator=0" >/dev/null
  check "deployed again, it has it" as ada runs list
  check "a server is healthy by its own word" serves
  check_doors
  RUN=(docker run --rm --network "${STACK}_lab" --user "$(id -u):$(id -g)" --volume "$LAB_SECRETS:/run/alloclab:ro"
       --env ALLOCLAB_CA=/run/alloclab/ca.pem --env ALLOCLAB_TOKEN_FILE=/run/alloclab/loadgen.token)
  check_generators docker service scale --detach "${STACK}_generator=2"
  check "nothing of it is insecure" never_insecure "$(task server)"
}

tear_down() {
  docker rm --force leader >/dev/null 2>&1 || true
  compose down --volumes --timeout 20 >/dev/null 2>&1 || true
  remove_stack "$STACK"
  leave_swarm
  remove_stand_ins
  rm -rf "$SHARED"
}

main() {
  local what
  docker info >/dev/null 2>&1 || die "no Docker engine answers; start dockerd, or the docker service"
  trap tear_down EXIT
  docker image inspect alloclab:local alloclab-prometheus:local >/dev/null || die "the images are missing: docker/prove.sh builds them"
  have_image "$POSTGRES" || make_postgres
  have_image "$GRAFANA" || make_grafana
  echo alloclab_wrong >"$SHARED/wrong.token"
  docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$SHARED:/shared" alloclab:local \
    alloclab tls init --directory /shared/other >/dev/null
  (($# > 0)) || set -- compose stack
  for what in "$@"; do
    case $what in
      compose) prove_compose ;;
      stack) prove_stack ;;
      *) die "$what: expected compose or stack" ;;
    esac
  done
  ((failures == 0)) || die "$failures checks failed"
  say "All checks held"
}

main "$@"
