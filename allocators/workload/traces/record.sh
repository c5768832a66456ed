#!/bin/bash
# Records the programs behind the built-in workloads anew: record.sh ALLOCLAB FOLDER. What comes out differs a little each time:
# addresses decide nothing, but hash seeds, times and environments do. README.md names versions.
set -euo pipefail

[[ $# == 2 ]] || { printf 'usage: record.sh ALLOCLAB FOLDER\n' >&2; exit 2; }
alloclab=$(readlink -f "$1")
programs=$(cd "$(dirname "${BASH_SOURCE[0]}")/programs" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$programs"/* .

# record NAME OPERATIONS PROGRAM ARGS...: the first process alone, of which so many operations.
record() {
  local name=$1 operations=$2
  shift 2
  env -i PATH="$PATH" HOME="$work" LANG=C "${variables[@]}" \
    "$alloclab" record --level 19 --operations-max "$operations" -o "$work/$name.alloctrace" -- "$@" >/dev/null
  mv "$work/$name.alloctrace" "$out/"
}
variables=()

# wait_for SOCKET COMMAND...: runs it once somebody listens there.
wait_for() {
  local socket=$1
  shift
  until [[ -S $socket ]]; do sleep 0.1; done
  "$@" >/dev/null
}

redis_load() {
  redis-benchmark -s redis.sock -c 20 -n 1500 -r 700 -d 120 -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100 -q
  redis-cli -s redis.sock shutdown nosave
}

for i in {1..1500}; do printf 'The %d%s word is followed by the %d%s, and that by nothing.\n' "$i" th $((i * 7919 % 1009)) rd; done >text.txt
for i in {1..12000}; do printf '%d %d\n' $((i * 7919 % 20011)) "$i"; done >numbers.txt
git init -q repository
for i in {1..12}; do
  head -n $((i * 100)) text.txt >"repository/text$((i % 4)).txt"
  git -C repository add .
  git -C repository -c user.name=lab -c user.email=lab@example.org commit -qm "change $i"
done

record cc1 60000 "$(gcc -print-prog-name=cc1)" -quiet -imultiarch x86_64-linux-gnu -O2 queens.c -o queens.s
record git 60000 git -C repository log --stat -p --no-color
record openssl 40000 openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=example.org
record perl 60000 perl report.pl numbers.txt
for i in {1..1500}; do
  printf '{"name":"row %d","group":%d,"value":%d,"tags":["t%d","t%d"]}\n' "$i" $((i * 7919 % 37)) "$i" $((i % 5)) $((i % 7))
done >rows.json
record jq 120000 jq -s -c -f rows.jq rows.json
printf 'project(queens C)\nadd_executable(queens queens.c)\n' >CMakeLists.txt
record cmake-configure 120000 cmake -G Ninja -S . -B build
record imagemagick 120000 convert-im6.q16 -seed 1 -size 320x240 plasma:blue-yellow -blur 0x3 -resize 150% -rotate 10 image.png
wait_for nginx.sock python3 nginx_load.py &
record nginx 120000 /usr/sbin/nginx -p . -c nginx.conf
wait_for redis.sock redis_load &
record redis 120000 redis-server --port 0 --unixsocket redis.sock --save '' --appendonly no
variables=(PYTHONMALLOC=malloc PYTHONHASHSEED=1)
record python 100000 /usr/bin/python3 -S words.py
record web-server 120000 /usr/bin/python3 -S web_server.py
