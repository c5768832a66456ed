#!/bin/bash
# Records the page and slab events of a Linux kernel that boots, works a little and halts on an emulated PC:
#
#   apt-get install qemu-system-x86 busybox-static linux-image-amd64
#   scripts/record_kernel.sh /boot/vmlinuz-6.1.0-*-amd64 kernel.ftrace.gz
#   alloclab trace show kernel.ftrace.gz --kernel pages
#
# Nothing of this host is in it but the folder docs/, which the kernel unpacks, searches and deletes. Takes a minute or two.
set -euo pipefail

[[ $# == 2 ]] || { printf 'usage: record_kernel.sh VMLINUZ OUT.ftrace.gz\n' >&2; exit 2; }
for tool in qemu-system-x86_64 busybox; do
  command -v "$tool" >/dev/null || { printf 'record_kernel.sh: %s is missing; see the top of this script\n' "$tool" >&2; exit 1; }
done
[[ -r $1 ]] || { printf 'record_kernel.sh: %s: cannot be read; expected a kernel for x86-64\n' "$1" >&2; exit 1; }
docs=$(cd "$(dirname "${BASH_SOURCE[0]}")/../docs" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work"/root/{bin,proc,sys,dev,tmp}
cp "$(command -v busybox)" "$work/root/bin/busybox"
tar -C "$docs/.." -cf "$work/root/docs.tar" docs
cat >"$work/root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tracefs tracefs /sys/kernel/tracing
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
echo "the load begins" >/sys/kernel/tracing/trace_marker
cd /tmp
for round in 1 2 3; do
  tar -xf /docs.tar
  for file in docs/*.md; do gzip -c "$file" | md5sum; done
  find docs -type f -exec wc -c {} \;
  dd if=/dev/zero of=large bs=64k count=128
  ls -lR docs | sort
  rm -rf docs large
done >/dev/null 2>&1
echo 0 >/sys/kernel/tracing/tracing_on
stty -F /dev/ttyS1 raw
gzip -c /sys/kernel/tracing/trace >/dev/ttyS1
poweroff -f
INIT
chmod +x "$work/root/init"
(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"

# From the first moment on; addresses as they are, since early ones would all be hidden alike.
events=$(printf 'kmem:%s,' kmalloc kmalloc_node kfree kmem_cache_alloc kmem_cache_alloc_node kmem_cache_free mm_page_alloc mm_page_free)
qemu-system-x86_64 -machine pc -accel tcg -cpu qemu64 -m 512 -nodefaults -no-reboot -display none \
  -kernel "$1" -initrd "$work/initramfs" -serial file:"$work/console" -serial file:"$work/trace" \
  -append "console=ttyS0 panic=-1 nokaslr no_hash_pointers trace_buf_size=128M trace_event=${events%,}"
if ! gzip -t "$work/trace" 2>/dev/null; then
  tail -n 5 "$work/console" >&2
  printf 'record_kernel.sh: the kernel did not get to its end\n' >&2
  exit 1
fi
mv "$work/trace" "$2"
