#!/bin/sh
# alloclab-secrets FOLDER HOST...: makes in FOLDER what a lab needs to be shared, where it is not there yet; in the image alloclab.
#   authority/ca.key                   who has it can make more certificates: no server needs it
#   ca.pem                             what clients trust
#   server.pem, server.key             the server's, for these names and addresses
#   prometheus.token, loadgen.token    of a viewer and of a user, which ALLOCLAB_DATA_DIR/tokens knows
# Who may read FOLDER is who may read what is in it.
set -eu
[ $# -ge 2 ] || { echo "alloclab-secrets: expected FOLDER HOST..., got $# arguments" >&2; exit 2; }
folder=$1
shift

if [ ! -e "$folder/server.pem" ]; then
  hosts=
  for host in "$@"; do hosts="$hosts --host $host"; done
  # shellcheck disable=SC2086  # a name or an address is one word
  alloclab tls init --directory "$folder/authority" $hosts
  cp "$folder/authority/ca.pem" "$folder/authority/server.key" "$folder/"
  cp "$folder/authority/server.pem" "$folder/"  # last: it says that all are there
fi
for of in prometheus=viewer loadgen=user; do
  name=${of%=*}
  [ ! -s "$folder/$name.token" ] || continue
  alloclabd token create "$name" --role "${of#*=}" >"$folder/$name.token"
  chmod a+r "$folder/$name.token"  # Prometheus runs as another user
done
