# Shared by the set-up scripts: words for people, running steps, Debian packages. Sourced, never run.
# shellcheck shell=bash

# Debian's newest Rust, with the sources of `core`.
# shellcheck disable=SC2034
readonly DEBIAN_RUST=(rustc-web cargo-web rust-web-src)

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

die() {
    printf '%s: error: %s\n' "${0##*/}" "$1" >&2
    [ $# -lt 2 ] || printf '%s: way out: %s\n' "${0##*/}" "$2" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# step WAY_OUT COMMAND...: runs quietly; a failure prints the command, the end of what it printed, and the way out.
step() {
    local way_out=$1 log status=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        printf '%s: failed with status %s: %s\n' "${0##*/}" "$status" "$*" >&2
        tail -n 25 "$log" | sed 's/^/    /' >&2
        rm -f "$log"
        die "the step above did not work" "$way_out"
    fi
    rm -f "$log"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        printf 'neither root nor sudo: cannot run %s\n' "$*" >&2
        return 1
    fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@"; }

# The lists have a lock of their own, for which apt-get does not wait.
apt_update() {
    local try out
    for try in $(seq 24); do
        if out=$(apt update -qq 2>&1); then return 0; fi
        printf '%s\n' "$out"
        grep -q 'Could not get lock' <<<"$out" || return 1
        [ "$try" -lt 24 ] || return 1
        sleep 5
    done
}

# Once a run, and only when a package is missing.
refresh_package_lists() {
    [ -z "${package_lists_fresh-}" ] || return 0
    step "check the network and /etc/apt, then run this again" apt_update
    package_lists_fresh=yes
}

installed() { [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }

# Whether apt could install the package (call after refresh_package_lists).
available() { [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[^\(]* ]]; }

# install_packages [--OPTION...] PACKAGE...: those that are missing. Removes none, unless the options say otherwise.
install_packages() {
    local package options=(--no-remove) missing=()
    while [ "${1#--}" != "$1" ]; do
        options+=("$1")
        shift
    done
    for package; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die "missing: ${missing[*]} (Debian's names), and this system has no apt-get" \
        "install what they hold with this system's package manager"
    refresh_package_lists
    say "installing ${missing[*]}"
    step "as root: apt-get install --no-install-recommends ${missing[*]}" \
        apt install -qq -y --no-install-recommends "${options[@]}" "${missing[@]}"
}
