#!/bin/bash
# What stock Linux gets done on the disk that `ringside bench null_read4k` measures: Debian's cloud kernel with its own
# virtio_blk, in the same QEMU under TCG, over the same null-co back end; fio reads 4 KiB, directly, with libaio.
#
#   testbench/cli/bench/linux_fio.sh [QEMU] [SECONDS]
#
# Kernel, busybox and fio come from Debian's archive into a temporary directory, and nothing is installed.
set -euo pipefail

qemu=${1:-qemu-system-x86_64}
seconds=${2:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

need() { command -v "$1" >/dev/null || { echo "$1 is missing; install the package $2" >&2; exit 3; }; }
need "$qemu" qemu-system-x86
need apt-get apt

# fio's libraries: what of its dependencies is shared objects, and theirs. Its scripts, which want Python, are not used.
packages_of_fio() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances fio |
    grep -E '^[a-z]' | grep -vE '^(python|perl|debconf|dpkg|init-system|adduser|passwd|sysvinit|media-types|libpam)' || true
}

fetch() {
  mkdir -p "$work/debs"
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
  echo "fetching $kernel, busybox and fio ..." >&2
  # shellcheck disable=SC2046  # one word for each package
  (cd "$work/debs" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" busybox-static $(packages_of_fio))
  for deb in "$work"/debs/*.deb; do
    dpkg-deb -x "$deb" "$work/tree"
  done
}

# Only what fio links, found by the loader's own rules inside the tree.
copy_with_libraries() {
  local program=$1 loader
  loader=$(find "$work/tree" -name 'ld-linux-x86-64.so.2' \( -type f -o -type l \) | head -n 1)
  mkdir -p "$work/root/lib64" "$work/root/bin"
  cp "$program" "$work/root/bin/"
  cp -L "$loader" "$work/root/lib64/"
  local usr="$work/tree/usr/lib/x86_64-linux-gnu"
  local path="$work/tree/lib/x86_64-linux-gnu:$usr:$usr/ceph"
  mkdir -p "$work/root/lib"
  "$loader" --library-path "$path" --list "$program" | awk '$2 == "=>" {print $3}' | while read -r library; do
    cp -L "$library" "$work/root/lib/"
  done
}

make_root() {
  local modules
  modules=$(echo "$work"/tree/lib/modules/*/kernel)
  mkdir -p "$work"/root/{bin,dev,proc,sys,modules,tmp}
  cp "$work/tree/bin/busybox" "$work/root/bin/"
  for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    find "$modules" -name "$module.ko*" -exec cp {} "$work/root/modules/" \;
  done
  copy_with_libraries "$work/tree/usr/bin/fio"
  cat >"$work/root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
  insmod /modules/\$module.ko
done
sleep 1  # until the disk is found
for depth in 1 32; do
  LD_LIBRARY_PATH=/lib fio --name=read --filename=/dev/vda --rw=randread --bs=4k --direct=1 --ioengine=libaio \\
    --iodepth=\$depth --time_based --runtime=$seconds --ramp_time=2 --output-format=terse --terse-version=3 >/tmp/out
  # Field 8 of a terse line is what was read a second.
  echo "linux_read4k_qd\$depth \$(cut -d';' -f8 /tmp/out)"
done
poweroff -f
INIT
  chmod +x "$work/root/init"
  (cd "$work/root" && find . | "$work/tree/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"
}

run() {
  timeout $((seconds * 2 + 180)) "$qemu" -M pc-i440fx-7.2 -accel tcg -m 1G -nodefaults -no-user-config -display none \
    -no-reboot -kernel "$work"/tree/boot/vmlinuz-* -initrd "$work/initramfs" -append "console=ttyS0 quiet panic=-1" \
    -serial stdio -blockdev null-co,node-name=disk0,size=$((1 << 30)) -device virtio-blk-pci,drive=disk0 </dev/null
}

fetch
make_root
run | tr -d '\r' | awk '/^linux_read4k/ {printf "%-20s %10d requests/s\n", $1, $2; rows++} {all = all $0 "\n"}
  END {if (rows != 2) {printf "%s", all > "/dev/stderr"; exit 4}}'
