#!/bin/sh
# grafana.sh COMMAND...: the command, on a copy of the dashboards whose links lead to where .env publishes web page and Prometheus.
set -eu
from=${ALLOCLAB_DASHBOARDS_FROM:-/etc/alloclab/dashboards}
to=${ALLOCLAB_DASHBOARDS:-/tmp/dashboards}
mkdir -p "$to"
for file in "$from"/*.json; do
  sed -e "s#http://127\.0\.0\.1:7412/#http://127.0.0.1:${LAB_WEB_PORT:-7412}/#g" \
    -e "s#http://127\.0\.0\.1:9090/#http://127.0.0.1:${LAB_PROMETHEUS_PORT:-9090}/#g" "$file" >"$to/${file##*/}"
done
exec "$@"
