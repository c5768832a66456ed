#!/bin/bash
# prove_package.sh [DEB]: shows with a real systemd that the Debian package does what docs/runbook.md says; DEB is the one of `./lab package`.
# Needs a Docker engine that lets a container have SYS_ADMIN and the host's control groups: systemd of Debian 12 runs in it as it does on
# a host, and its programs are installed there by apt. There the package is installed, its service used, stopped, killed, given a wrong
# setting and certificates, backed up and restored, watched by Debian's Prometheus, upgraded and removed. Exit code 0: all checks held.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# shellcheck source=docker/proving.sh
source docker/proving.sh
readonly IMAGE=alloclab-systemd:local HOST=alloclab-proof-host DATA=/var/lib/alloclab SETTINGS=/etc/alloclab/alloclabd.yaml
WORK=$(mktemp -d)
readonly WORK

make_image() {
  say "A Debian with systemd"
  docker build --quiet --tag "$IMAGE" - >/dev/null <<DOCKERFILE
FROM $BASE
RUN rm -f /etc/dpkg/dpkg.cfg.d/docker && apt-get update \\
 && apt-get install --yes --no-install-recommends systemd-sysv dbus man-db curl openssl prometheus
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
DOCKERFILE
}

start_host() {
  docker run --detach --name "$HOST" --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --cgroupns host --volume /sys/fs/cgroup:/sys/fs/cgroup --tmpfs /run --tmpfs /run/lock --tmpfs /tmp "$IMAGE" >/dev/null
  check "systemd runs" on_host systemctl is-system-running
}

# The same programs, of a later version.
make_newer() {
  dpkg-deb --raw-extract "$1" "$WORK/newer"
  sed -i 's/^Version: .*/&+newer/' "$WORK/newer/DEBIAN/control"
  dpkg-deb --build --root-owner-group "$WORK/newer" "$WORK/newer.deb" >/dev/null
}

# --- On the host ---

on_host() { docker exec "$HOST" "$@"; }
as_owner() { on_host runuser -u alloclab -- "$@"; }
install_deb() { docker cp --quiet "$1" "$HOST:/root/$2" 2>/dev/null || docker cp "$1" "$HOST:/root/$2"; on_host apt-get install --yes "/root/$2"; }
property() { on_host systemctl show --value --property "$1" alloclabd; }
is() { [[ $(property "$1") == "$2" ]]; }
set_to() { on_host sed -i -e "/^$1:/d" -e "\$a $1: \"$2\"" "$SETTINGS"; }
logged() { on_host journalctl --unit alloclabd --no-pager --output cat | grep -- "$1"; }
# at_once WHAT COMMAND...: holds now, without another try.
at_once() { PATIENCE=0 check "$@"; }

unprivileged() {
  on_host cat "/proc/$(property MainPID)/status" >"$WORK/status"
  grep '^CapEff:.0*$' "$WORK/status" && grep '^NoNewPrivs:.1$' "$WORK/status" && is User alloclab
}
run_is_kept() { on_host alloclab runs show 1 --output json | grep SUCCEEDED; }
# certificate_is FOLDER: what the server shows on the port of gRPC.
certificate_is() {
  on_host sh -c 'openssl s_client -connect 127.0.0.1:7411 -alpn h2 </dev/null | openssl x509 -noout -fingerprint' >"$WORK/shown"
  on_host openssl x509 -noout -fingerprint -in "$1/server.pem" | cmp - "$WORK/shown"
}
reaches() { [[ $(value_in "$HOST" 'up{job="alloclabd"}') == 1 ]]; }
fires() { [[ $(value_in "$HOST" "ALERTS{alertname=\"$1\",alertstate=\"firing\"}") == 1 ]]; }

# --- Checks ---

check_installed() {
  at_once "installed, the service does not run yet" is ActiveState inactive
  at_once "systemd has nothing against the unit" on_host systemd-analyze verify alloclabd.service
  at_once "what it may do is little (systemd-analyze security: 2.0 at most)" \
    on_host systemd-analyze security --threshold=20 alloclabd.service
  at_once "man pages" on_host sh -c 'man 1 alloclab | grep "alloclab submit" && man 8 alloclabd | grep -e --data-dir'
  on_host systemctl enable --now alloclabd 2>/dev/null
  at_once "started, it serves" on_host alloclab server
  at_once "it has no privileges" unprivileged
  at_once "a run" on_host alloclab submit sqlite
  at_once "a replay on a real allocator" on_host alloclab compare sqlite --heap implicit-heap --native glibc
}

check_backup() {
  on_host install -d -o alloclab -m 700 /backup
  at_once "a backup while it works" as_owner alloclabd store backup --data-dir "$DATA" --to /backup/one
  on_host alloclab runs label 1 later >/dev/null 2>&1
  on_host sh -c "systemctl stop alloclabd && mv $DATA /backup/replaced && cp -a /backup/one $DATA && systemctl start alloclabd"
  at_once "put in its place, it is served" run_is_kept
  at_once "as it was at that moment" eval '! on_host alloclab runs show 1 --output json | grep later'
}

check_ends() {
  on_host systemctl restart alloclabd
  at_once "restarted, the run is kept" run_is_kept
  local signal restarts
  for signal in KILL HUP; do
    restarts=$(property NRestarts)
    on_host systemctl kill --kill-whom main --signal "$signal" alloclabd
    check "ended by SIG$signal, it is started again" is NRestarts $((restarts + 1))
    check "and the run is kept" run_is_kept
  done
  on_host systemctl stop alloclabd
  at_once "asked to stop, it ends well by itself" eval 'is Result success && is ExecMainCode 1 && is ExecMainStatus 0'
  at_once "its store is whole" as_owner alloclabd store check --data-dir "$DATA"
  set_to listen nowhere
  at_once "with a wrong setting it is not started" eval '! on_host systemctl start alloclabd'
  at_once "nor tried again" is ActiveState failed
  at_once "and the log says which" logged 'listen.*nowhere'
  set_to listen 127.0.0.1:7411
  on_host systemctl start alloclabd
}

check_secrets() {
  on_host install -d -o alloclab -m 700 /etc/alloclab/tls
  local name
  for name in old new; do as_owner alloclab tls init --directory "/etc/alloclab/tls/$name" >/dev/null; done
  as_owner sh -c 'cd /etc/alloclab/tls && cp old/server.pem old/server.key .'
  set_to tls-cert /etc/alloclab/tls/server.pem
  set_to tls-key /etc/alloclab/tls/server.key
  on_host systemctl restart alloclabd
  at_once "with a certificate it speaks TLS" certificate_is /etc/alloclab/tls/old
  as_owner sh -c 'cd /etc/alloclab/tls && cp new/server.pem new/server.key .'
  check "a new one is taken up without a restart" certificate_is /etc/alloclab/tls/new
  on_host sed -i '/^tls-/d' "$SETTINGS"
  on_host systemctl restart alloclabd
  as_owner alloclabd token create ada --role user --data-dir "$DATA" >"$WORK/ada.token" 2>/dev/null
  check "with a token nobody is let in without one" eval '! on_host alloclab runs list'
  at_once "with it one is" docker exec --env ALLOCLAB_TOKEN="$(<"$WORK/ada.token")" "$HOST" alloclab runs list
  on_host sh -c "systemctl stop alloclabd && rm $DATA/tokens && systemctl start alloclabd"
}

check_alerts() {
  on_host sed -i 's|^ARGS=.*|ARGS="--config.file=/usr/share/alloclab/prometheus/prometheus.yml"|' /etc/default/prometheus
  on_host systemctl restart prometheus
  check "Debian's Prometheus, with the package's configuration, reaches the server" reaches
  at_once "AllocLabDown does not fire" eval '! fires AllocLabDown'
  on_host systemctl stop alloclabd
  check "the server stopped, AllocLabDown fires" fires AllocLabDown
  on_host systemctl start alloclabd
  check "started, it does no more" eval '! fires AllocLabDown'
}

check_upgrade() {
  local before
  before=$(property MainPID)
  set_to run-threads 1
  install_deb "$WORK/newer.deb" newer.deb >/dev/null 2>&1
  at_once "upgraded, another process serves" eval "run_is_kept && ! is MainPID $before"
  at_once "with the operator's settings" on_host grep '^run-threads: "1"' "$SETTINGS"
  on_host apt-get remove --yes alloclab >/dev/null 2>&1
  at_once "removed, it has ended" eval '! on_host systemctl is-active alloclabd && ! on_host sh -c "command -v alloclabd"'
  at_once "settings and store are there" on_host ls "$SETTINGS" "$DATA/alloclab.db"
  on_host apt-get purge --yes alloclab >/dev/null 2>&1
  at_once "purged, the settings are gone, and the store is not" eval "! on_host ls $SETTINGS && on_host ls $DATA/alloclab.db"
}

tear_down() {
  local result=$?
  if ((result != 0 || failures != 0)); then on_host journalctl --unit alloclabd --no-pager --lines 30 || true; fi
  docker rm --force "$HOST" >/dev/null 2>&1 || true
  rm -rf "$WORK"
}

main() {
  local deb
  deb=${1:-$(find build/release -maxdepth 1 -name 'alloclab_*.deb' 2>/dev/null | sort | tail -1)}
  [[ -f $deb ]] || die "${deb:-build/release/alloclab_*.deb}: expected the package that ./lab package makes"
  docker info >/dev/null 2>&1 || die "no Docker engine answers; start dockerd, or the docker service"
  trap tear_down EXIT
  have_image "$BASE" || make_base
  make_image
  make_newer "$deb"
  start_host
  say "Installing ${deb##*/}"
  install_deb "$deb" alloclab.deb >/dev/null 2>&1
  check_installed
  check_backup
  check_ends
  check_secrets
  check_alerts
  check_upgrade
  ((failures == 0)) || die "$failures checks failed"
  say "All checks held"
}

main "$@"
