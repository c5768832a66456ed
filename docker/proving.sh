# shellcheck shell=bash
# proving.sh: what the proofs on a real Docker engine share; to be sourced. Images that cannot be pulled are made of Debian's packages, under
# the names of the published ones, and removed by remove_stand_ins, so that nobody takes them for the real ones.

readonly BASE=debian:bookworm-slim PROMETHEUS=prom/prometheus:v3.5.0 GRAFANA=grafana/grafana:12.3.0 POSTGRES=postgres:15-bookworm
STAND_INS=()

say() { printf '[%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

have_image() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }

make_base() {
  local root
  command -v debootstrap >/dev/null || die "$BASE can neither be pulled nor made: debootstrap is missing"
  say "$BASE cannot be pulled: making a minimal Debian 12 with debootstrap"
  root=$(mktemp -d)
  debootstrap --variant=minbase bookworm "$root" >/dev/null
  tar -C "$root" -c . | docker import - "$BASE" >/dev/null
  rm -rf "$root"
}

# A Prometheus of Debian's under the name that the Dockerfile asks for; removed at the end, so that nobody takes it for the real one.
make_prometheus() {
  say "$PROMETHEUS cannot be pulled: standing in is Debian's package, under that name, for this proof only"
  STAND_INS+=("$PROMETHEUS")
  docker build --quiet --tag "$PROMETHEUS" - >/dev/null <<DOCKERFILE
FROM $BASE
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
 && install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
ENTRYPOINT ["prometheus"]
DOCKERFILE
}

# Debian has no Grafana: an image without it, so that what is baked into it can be looked at.
make_grafana() {
  say "$GRAFANA cannot be pulled and Debian has no Grafana: looking at its image's files only; ./lab test tests the queries"
  STAND_INS+=("$GRAFANA")
  docker build --quiet --tag "$GRAFANA" - >/dev/null <<DOCKERFILE
FROM $BASE
USER 472
DOCKERFILE
}

# A PostgreSQL of Debian's that takes of the published image's variables those that the lab uses: user, database, and trust.
make_postgres() {
  say "$POSTGRES cannot be pulled: standing in is Debian's package, under that name, for this proof only"
  STAND_INS+=("$POSTGRES")
  docker build --quiet --tag "$POSTGRES" - >/dev/null <<DOCKERFILE
FROM $BASE
RUN groupadd --system --gid 999 postgres && useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql postgres \\
 && apt-get update && apt-get install --yes --no-install-recommends postgresql-15 && rm -rf /var/lib/apt/lists/* \\
 && rm -rf /var/lib/postgresql/15 && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data \\
 && install -d -o postgres -g postgres -m 3777 /run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:\$PATH PGDATA=/var/lib/postgresql/data
RUN printf '%s\\n' '#!/bin/bash' 'set -e' \\
 'if [[ ! -s \$PGDATA/PG_VERSION ]]; then' \\
 '  initdb --username="\$POSTGRES_USER" --auth="\$POSTGRES_HOST_AUTH_METHOD" --no-locale --encoding=UTF8' \\
 '  echo "host all all all \$POSTGRES_HOST_AUTH_METHOD" >>"\$PGDATA/pg_hba.conf"' \\
 '  pg_ctl --wait --options="-c listen_addresses=" start' \\
 '  createdb --username="\$POSTGRES_USER" "\$POSTGRES_DB"' \\
 '  pg_ctl --wait --mode=fast stop' \\
 'fi' \\
 'exec postgres -c listen_addresses="*"' >/usr/local/bin/docker-entrypoint.sh && chmod +x /usr/local/bin/docker-entrypoint.sh
USER postgres
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
DOCKERFILE
}

remove_stand_ins() {
  local image
  for image in "${STAND_INS[@]}"; do docker image rm "$image" >/dev/null 2>&1 || true; done
}

OWN_SWARM=  # whether we made it
join_swarm() {
  if [[ $(docker info --format '{{.Swarm.LocalNodeState}}') != active ]]; then
    docker swarm init --advertise-addr 127.0.0.1 >/dev/null
    OWN_SWARM=1
  fi
}
leave_swarm() { [[ -z $OWN_SWARM ]] || docker swarm leave --force >/dev/null; }

volumes_of() { docker volume ls --quiet --filter "name=$1_"; }
# remove_stack NAME: with its volumes, each of which goes once its last container has.
remove_stack() {
  local try
  docker stack rm "$1" >/dev/null 2>&1 || true
  for ((try = 0; try < 60; ++try)); do
    [[ -n $(volumes_of "$1") ]] || break
    volumes_of "$1" | xargs docker volume rm >/dev/null 2>&1 || sleep 1
  done
}

# value_in CONTAINER EXPRESSION: its first value in the Prometheus there, asked from within.
value_in() {
  docker exec "$1" promtool query instant http://127.0.0.1:9090 "$2" | sed -n 's/.*=> \([^ ]*\) @.*/\1/p' | head -1
}

failures=0
PATIENCE=${PATIENCE:-30}  # seconds
# check WHAT COMMAND...: the command succeeds; tried for that long, its output unseen. (grep -q would break the pipe of what it reads.)
check() {
  local what=$1 deadline=$((SECONDS + PATIENCE))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= deadline)); then
      say "FAILED: $what"
      failures=$((failures + 1))
      return
    fi
    sleep 1
  done
  say "ok: $what"
}
