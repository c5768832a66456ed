#!/bin/bash
# install_packages.sh PACKAGE...: installs Debian packages, as root, asking nothing and starting none of the services that they
# bring: the lab runs its own Prometheus and leaves the machine's port 9090 alone.
set -euo pipefail

readonly POLICY=/usr/sbin/policy-rc.d  # asked by every package that wants to start a service

install_without_services() {
  if [[ ! -e $POLICY ]]; then
    trap 'rm -f "$POLICY"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
  fi
  apt-get install --yes --no-install-recommends "$@"
}

export DEBIAN_FRONTEND=noninteractive
had_prometheus=$(command -v prometheus || true)
apt-get update
install_without_services "$@"
if [[ -z $had_prometheus ]] && command -v prometheus systemctl >/dev/null; then
  systemctl disable prometheus.service || true  # nor at the next boot
fi
