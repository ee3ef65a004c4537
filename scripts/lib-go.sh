# Shared by the set-up scripts that build Go programs: a Go that is new enough, and where what they build stays. Sourced after
# lib.sh, never run.
# shellcheck shell=bash

readonly GO_VERSION=1.26.8 # fetched where Go is too old
readonly JOBS=2

cache() { printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/doubleslit"; }

# What the user set for other builds shall not change this one.
plain_go() { env -u GOROOT GOFLAGS=-trimpath GOWORK=off GOTOOLCHAIN=auto GOMAXPROCS=$JOBS CGO_ENABLED=0 go "$@"; }

# From 1.21 on, Go fetches by itself the newer one that a module asks for.
go_can_fetch_go() {
    local minor
    minor=$(plain_go version | sed -n 's/.* go1\.\([0-9]*\).*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge 21 ]
}

# Go is a module as well. Before 1.21 go does not know that its programs are to be executable.
fetch_go() {
    local module toolchain
    module=golang.org/toolchain@v0.0.1-go$GO_VERSION.$(plain_go env GOOS)-$(plain_go env GOARCH)
    say "fetching Go $GO_VERSION"
    step "check the network and \`go env GOPROXY\`, or put Go 1.21 or newer on PATH" plain_go mod download "$module"
    toolchain=$(plain_go env GOMODCACHE)/$module
    chmod -R u+x "$toolchain/bin" "$toolchain/pkg/tool"
    PATH=$toolchain/bin:$PATH
}

# Where there is no Go, Debian's is installed; one that is too old fetches the Go that it builds with.
need_go() {
    PATH=$PATH:/usr/local/go/bin
    have go || install_packages golang-go
    go_can_fetch_go || fetch_go
}
