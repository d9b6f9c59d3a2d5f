#!/bin/sh
# get_qemu.sh DIRECTORY: a QEMU that is a vfio-user client (10.1 or later), and a stock Linux for it. `./ringside get-qemu`
# puts them beside the build, where the tests look for them. Debian 12 and 13 have no such QEMU themselves; Debian 13's
# backports have. DIRECTORY becomes a small Debian 13 of its own (0.5 GB); nothing outside it changes. Needs root and
# debootstrap; DIRECTORY/qemu-system-x86_64 then needs neither.
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
  cat >"$directory/qemu-system-x86_64" <<'END'
#!/bin/sh
root=$(dirname -- "$(readlink -f -- "$0")")
libraries=$root/usr/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$libraries/qemu"
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/qemu-system-x86_64" \
  -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
END
  chmod +x "$directory/qemu-system-x86_64"
}

if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  write_starter
  echo "get_qemu.sh: $directory is there"
  exit 0
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

# What an attempt before this one left is no base to go on from.
rm -rf "$directory"
mkdir -p "$directory"
debootstrap --variant=minbase --include=ca-certificates trixie "$directory" "$mirror" >"$directory.log" 2>&1 || {
  echo "get_qemu.sh: debootstrap failed, see $directory.log" >&2
  exit 4
}
echo "deb $mirror trixie-backports main" >"$directory/etc/apt/sources.list.d/backports.list"

# No daemon starts in there.
printf '#!/bin/sh\nexit 101\n' >"$directory/usr/sbin/policy-rc.d"
chmod +x "$directory/usr/sbin/policy-rc.d"

inside() {
  chroot "$directory" env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" >>"$directory.log" 2>&1 || {
    echo "get_qemu.sh: \"$*\" failed, see $directory.log" >&2
    exit 4
  }
}
inside apt-get update
inside apt-get install -y --no-install-recommends -t trixie-backports qemu-system-x86
inside apt-get install -y --no-install-recommends busybox-static fio e2fsprogs util-linux kmod cpio

# The kernel is taken out of its package: installed, it would want an initramfs of its own.
kernel=$(chroot "$directory" apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
inside sh -c "cd /tmp && apt-get download $kernel && dpkg -x /tmp/linux-image-*.deb /linux && rm /tmp/linux-image-*.deb"
inside apt-get clean

write_starter
echo "$wanted" >"$stamp"
rm -f "$directory.log"
echo "get_qemu.sh: $("$directory/qemu-system-x86_64" --version | head -n 1), $kernel"
