# shellcheck shell=bash
# What every command of ./lab needs: words on the terminal, packages, the build.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  readonly BOLD=$'\e[1m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  readonly BOLD='' RED='' PLAIN=''
fi

# step TEXT: a line with the time since the command began.
step() { printf '%s[%d:%02d] %s%s\n' "$BOLD" $((SECONDS / 60)) $((SECONDS % 60)) "$*" "$PLAIN"; }
note() { printf '       %s\n' "$*"; }
# die TEXT...: one line per argument, the first says what is wrong, the others what to do.
die() {
  printf '%slab: %s%s\n' "$RED" "$1" "$PLAIN" >&2
  shift
  if (($#)); then printf '%s\n' "$@" | sed 's/^/     /' >&2; fi
  exit 1
}

# short PATH: as seen from the project's folder.
short() { echo "${1#"$ROOT"/}"; }

# lock_lab: one ./lab at a time starts or stops things.
lock_lab() {
  exec {LOCK}>"$LAB/lock"
  flock --nonblock "$LOCK" || die "another ./lab up or ./lab down is at work"
}

# ensure_packages SECTION...: installs what is missing; asks for sudo only then.
ensure_packages() {
  local wanted missing
  mapfile -t wanted < <("$ROOT/scripts/packages.sh" "$@")
  command -v dpkg-query >/dev/null || die "this is not Debian, whose packages the lab is built from" \
    "Use the container instead: docker compose up" "Needed are Debian 12's ${wanted[*]}"
  # A package may be there under another name, as npm is part of the nodejs of others than Debian.
  mapfile -t missing < <(comm -13 \
    <(dpkg-query -W -f '${db:Status-Status}, ${Package}, ${Provides}\n' |
      awk -F ', *' '$1 == "installed" { for (i = 2; i <= NF; ++i) { sub(/ .*/, "", $i); print $i } }' | sort -u) \
    <(printf '%s\n' "${wanted[@]}" | sort -u))
  if ((${#missing[@]} == 0)); then
    step "Packages: all ${#wanted[@]} are installed"
    return
  fi
  step "Packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "installing packages needs root, and there is no sudo" "As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" "$ROOT/scripts/install_packages.sh" "${missing[@]}" >"$LOGS/packages.log" 2>&1 ||
    die "the packages could not be installed" "$(tail -n 3 "$LOGS/packages.log")" "All of it: $LOGS/packages.log"
}

# jobs_count: one job per core, but none without 1 GiB of free memory (the generated gRPC code is heavy to compile).
jobs_count() {
  local cores gibibytes
  cores=$(nproc)
  gibibytes=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
  echo $((gibibytes < 1 ? 1 : gibibytes < cores ? gibibytes : cores))
}

# build PRESET [TARGET...]
build() {
  local preset=$1 targets=()
  shift
  if (($#)); then targets=(--target "$@"); fi
  export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 NINJA_STATUS='       [%f/%t] '
  step "Configure preset $preset"
  run_logged "configure-$preset" cmake --preset "$preset"
  step "Build ${*:-everything} with $(jobs_count) jobs"
  "${WRAPPER[@]}" cmake --build --preset "$preset" --parallel "$(jobs_count)" "${targets[@]}" ||
    die "the build failed; the first error above says where"
}

# run_logged NAME COMMAND...: quiet unless it fails.
run_logged() {
  local log="$LOGS/$1.log"
  shift
  "$@" >"$log" 2>&1 || die "failed: $*" "$(tail -n 15 "$log")" "All of it: $log"
}
