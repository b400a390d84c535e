#!/bin/sh
# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Builds kube-apiserver, etcd and kubectl from the Go modules pinned beside this
# script, and prints the folder that holds them: the value for KUBEBUILDER_ASSETS.
#
#     hack/controlplane/build.sh FOLDER
#
# Nothing is built when FOLDER already holds what the pins ask for. When
# KUBEBUILDER_ASSETS is set, that folder is taken as it is, and nothing is built
# either. Progress goes to stderr, so that stdout is the folder and nothing else.
set -eu

programs="kube-apiserver etcd kubectl"

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# absolute FOLDER: its absolute path; the folder exists.
absolute() {
	(CDPATH='' cd -- "$1" && pwd)
}

# missing FOLDER: the first of the programs that FOLDER does not hold, if any.
missing() {
	for program in $programs; do
		if [ ! -x "$1/$program" ]; then
			printf '%s' "$program"
			return
		fi
	done
}

# since SECONDS: the time since then, for a person.
since() {
	seconds=$(($(date +%s) - $1))
	printf '%dm%02ds' $((seconds / 60)) $((seconds % 60))
}

# build NAME ARGUMENTS...: one go build with a progress line; its log is shown only when it fails.
build() {
	name=$1
	shift
	started=$(date +%s)
	printf '  %s ... ' "$name" >&2
	if ! go build -o "$work/$name" "$@" 2>"$work/log"; then
		printf 'failed\n' >&2
		grep -v '^go: downloading ' "$work/log" | tail -n 40 >&2
		exit 1
	fi
	since "$started" >&2
	printf '\n' >&2
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
	lacking=$(missing "$KUBEBUILDER_ASSETS")
	if [ -n "$lacking" ]; then
		fail "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, which has no executable $lacking." \
			"Unset it to have the control plane built from source, or name a folder with: $programs."
	fi
	absolute "$KUBEBUILDER_ASSETS"
	exit
fi

[ $# -eq 1 ] || fail "usage: $0 FOLDER"
command -v go >/dev/null || fail "go was not found: install Go (https://go.dev/dl) and put it on PATH."

mkdir -p "$1"
out=$(absolute "$1")
cd "$(dirname "$0")"

export CGO_ENABLED=0 GOWORK=off
wanted="$(cat go.mod go.sum build.sh | cksum) $(go env GOVERSION GOOS GOARCH | tr '\n' ' ')"
if [ -z "$(missing "$out")" ] && [ "$(cat "$out/.built-from" 2>/dev/null)" = "$wanted" ]; then
	echo "$out"
	exit
fi

# Programs are built aside and renamed into place, the stamp last: an interrupted build leaves nothing half-done,
# and a program that is running is replaced, not overwritten.
work=$(mktemp -d "$out/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes 2>"$work/log") || fail "$(cat "$work/log")"
number=${version#v}
minor=${number#*.}
# Clients refuse to guess a server's version, and the source tree does not know its own.
flags="-s -w -X k8s.io/component-base/version.gitVersion=$version"
flags="$flags -X k8s.io/component-base/version.gitMajor=${number%%.*} -X k8s.io/component-base/version.gitMinor=${minor%%.*}"

begun=$(date +%s)
echo "building the test control plane (kube-apiserver, etcd, kubectl $number) from source: about 5 minutes the first time" >&2
build etcd -ldflags "-s -w" go.etcd.io/etcd/server/v3
build kube-apiserver -ldflags "$flags" k8s.io/kubernetes/cmd/kube-apiserver
build kubectl -ldflags "$flags" k8s.io/kubernetes/cmd/kubectl
printf '%s\n' "$wanted" >"$work/.built-from"

rm -f "$out/.built-from"
for file in $programs .built-from; do
	mv -f "$work/$file" "$out/$file"
done
echo "the test control plane is in $out ($(since "$begun"))" >&2
echo "$out"
