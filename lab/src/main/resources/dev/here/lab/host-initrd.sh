#!/bin/busybox sh
# First program of a lab host: loads what the root disk needs and hands over to its init.
B=/bin/busybox
$B mount -t proc none /proc
$B mount -t sysfs none /sys
$B mount -t devtmpfs none /dev
for m in $($B cat /modules/order); do $B insmod /modules/$m; done
i=0
while [ ! -e /dev/vda ] && [ $i -lt 400 ]; do $B usleep 50000; i=$((i + 1)); done
$B mount -t ext4 -o noatime /dev/vda /root || exec $B sh
for d in proc sys dev; do $B mount --move /$d /root/$d; done
exec $B switch_root /root /opt/lab/init
