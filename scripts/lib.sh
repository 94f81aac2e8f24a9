# shellcheck shell=bash
# Functions that the scripts share. Sourced, never run.

QT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export QT_ROOT

say() {
    printf '%s\n' "$*"
}

step() {
    printf '\n== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

jobs_count() {
    nproc 2>/dev/null || echo 2
}

# packages_of SECTION...: the packages of these sections of packages.txt, one a line.
packages_of() {
    local section
    for section in "$@"; do
        awk -v want="[$section]" '
            { sub(/#.*/, ""); gsub(/[ \t]+$/, "") }
            /^\[/ { inside = ($1 == want); found = found || inside; next }
            inside && NF { print $1 }
            END { if (!found) exit 1 }' "$QT_ROOT/scripts/packages.txt" ||
            die "scripts/packages.txt has no section [$section]"
    done | sort -u
}

# wait_until SECONDS COMMAND...: runs the command until it succeeds; fails when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            return 1
        fi
        sleep 0.1
    done
}

# A zombie is not alive.
is_alive() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) && [ -n "${state%%Z*}" ]
}

is_gone() {
    ! is_alive "$1"
}

# program_path NAME: the built program of a service, in QT_BUILD_DIR or build/dev.
program_path() {
    local build=${QT_BUILD_DIR:-$QT_ROOT/build/dev}
    case $1 in
    gateway) printf '%s/gateway/gateway\n' "$build" ;;
    *) printf '%s/services/%s/%s\n' "$build" "$1" "$1" ;;
    esac
}
