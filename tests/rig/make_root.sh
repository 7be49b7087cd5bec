#!/bin/sh
# Makes the rig's root: a folder with Debian trixie, the real adbd and the real Swift. Needs root.
#
#   tests/rig/make_root.sh            (the folder is GOLDMASK_RIG_ROOT, else build/rig/root)
#
# Keeps an existing root; makes it again if making it was interrupted.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
root=${GOLDMASK_RIG_ROOT:-$here/build/rig/root}
packages='adbd swiftlang tar zlib1g-dev'
# Increase this number when you change the lines below.
recipe="1 $packages"
stamp=$root/.goldmask-rig

fail() {
    printf 'make_root: %s\n' "$1" >&2
    exit 3
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$recipe" ]; then
    exit 0
fi
[ "$(id -u)" = 0 ] || fail 'needs root. try: sudo tests/rig/make_root.sh'
command -v debootstrap >/dev/null || fail 'debootstrap is missing. try: sudo apt-get install debootstrap'
rm -rf "$root"
mkdir -p "$root"
debootstrap --variant=minbase trixie "$root" >"$root.log" 2>&1 || fail "debootstrap failed; its log is $root.log"
# The network as this machine has it: apt's settings (mirrors, proxies) and name resolution.
for file in /etc/apt/apt.conf.d/* /etc/apt/auth.conf.d/* /etc/resolv.conf /etc/hosts; do
    if [ -f "$file" ]; then
        mkdir -p "$root$(dirname "$file")"
        cp -L "$file" "$root$file"
    fi
done
if [ -d /usr/local/share/ca-certificates ]; then
    cp -r /etc/ssl "$root/etc/"
fi
export DEBIAN_FRONTEND=noninteractive
chroot "$root" apt-get update -qq >>"$root.log" 2>&1 || fail "apt-get update failed; its log is $root.log"
# shellcheck disable=SC2086 # a list of words
chroot "$root" apt-get install -qq -y --no-install-recommends $packages >>"$root.log" 2>&1 ||
    fail "apt-get install failed; its log is $root.log"
rm -rf "$root"/var/cache/apt/archives/*.deb
printf '%s\n' "$recipe" >"$stamp"
