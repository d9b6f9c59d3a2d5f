#!/bin/sh
# get_qemu.sh DIRECTORY: a QEMU that is a vfio-user client (10.1 or later), and a stock Linux for it. `./ringside get-qemu`
# puts them beside the build, where the tests look for them. Debian 12 and 13 have no such QEMU themselves; Debian 13's
# backports have. DIRECTORY becomes a small Debian 13 of its own (0.6 GB with what the tests keep there); nothing
# outside it changes. Needs root and debootstrap; DIRECTORY/qemu-system-x86_64 then needs neither.
#
# It is made beside itself, in DIRECTORY.part, and gets its name when it is whole. Who is second at it waits.
#
# It comes from where this machine's own Debian packages come from, or from RINGSIDE_DEBIAN_MIRROR.
set -eu

if [ $# -ne 1 ]; then
  echo "get_qemu.sh: expected one DIRECTORY to put it in" >&2
  exit 2
fi
directory=$1
stamp=$directory/ringside-stamp
wanted="trixie-backports 1"

# The place where packages of Debian come from, but for security's.
own_mirror() {
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian|Debian|//p' |
    head -n 1
}

# Its programs run by its own loader with its own libraries, on this machine's files.
write_starter() {
  cat >"$1/qemu-system-x86_64" <<'END'
#!/bin/sh
root=$(dirname -- "$(readlink -f -- "$0")")
libraries=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$libraries/qemu"
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/qemu-system-x86_64" \
  -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
END
  chmod +x "$1/qemu-system-x86_64"
}

mkdir -p "$(dirname -- "$directory")"
exec 8>"$directory.lock"
flock -n 8 || {
  echo "get_qemu.sh: waiting for another that gets it" >&2
  flock 8
}

if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  write_starter "$directory"
  echo "get_qemu.sh: $directory is there"
  exit 0
fi
if [ "$(uname -m)" != x86_64 ]; then
  echo "get_qemu.sh: what it gets runs on x86-64 alone" >&2
  exit 3
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "get_qemu.sh: needs root: debootstrap and chroot do" >&2
  exit 3
fi
if ! command -v debootstrap >/dev/null; then
  echo "get_qemu.sh: needs debootstrap: apt-get install debootstrap" >&2
  exit 3
fi
mirror=${RINGSIDE_DEBIAN_MIRROR:-$(own_mirror)}
if [ -z "$mirror" ]; then
  echo "get_qemu.sh: apt knows no place that has Debian's packages; set RINGSIDE_DEBIAN_MIRROR to one" >&2
  exit 3
fi

part=$directory.part
log=$directory.log
# Whatever debootstrap has mounted there is not ours to remove.
clear_part() { rm -rf --one-file-system "$part"; }
trap clear_part EXIT
trap 'exit 143' HUP INT TERM
clear_part  # of an attempt that could not do it itself
mkdir "$part"

# Where it may, debootstrap mounts in a place of its own: nothing stays mounted, however it ends.
private=
unshare --mount true 2>/dev/null && private="unshare --mount"
$private debootstrap --variant=minbase --include=ca-certificates trixie "$part" "$mirror" >"$log" 2>&1 || {
  echo "get_qemu.sh: debootstrap failed, see $log" >&2
  exit 4
}
echo "deb $mirror trixie-backports main" >"$part/etc/apt/sources.list.d/backports.list"

# No daemon starts in there.
printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d"
chmod +x "$part/usr/sbin/policy-rc.d"

inside() {
  chroot "$part" env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" >>"$log" 2>&1 || {
    echo "get_qemu.sh: \"$*\" failed, see $log" >&2
    exit 4
  }
}
inside apt-get update
inside apt-get install -y --no-install-recommends -t trixie-backports qemu-system-x86
inside apt-get install -y --no-install-recommends busybox-static fio e2fsprogs util-linux kmod cpio

# The kernel is taken out of its package: installed, it would want an initramfs of its own.
kernel=$(chroot "$part" apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
inside sh -c "cd /tmp && apt-get download $kernel && dpkg -x /tmp/linux-image-*.deb /linux && rm /tmp/linux-image-*.deb"
inside apt-get clean

write_starter "$part"
version=$("$part/qemu-system-x86_64" --version | head -n 1)
echo "$wanted" >"$part/ringside-stamp"
rm -rf --one-file-system "$directory"  # one that is older
mv "$part" "$directory"
rm -f "$log"
echo "get_qemu.sh: $version, $kernel"
