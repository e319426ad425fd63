#!/bin/busybox sh
# Init of the lab's guest: modules, address from the kernel command line (here.ip=ADDRESS/PREFIX), services, console.
B=/bin/busybox
$B mkdir -p /proc /sys /dev /tmp /www
$B mount -t proc none /proc
$B mount -t sysfs none /sys
$B mount -t devtmpfs none /dev
$B mount -t tmpfs none /tmp
$B --install -s /bin
export PATH=/bin HOME=/tmp
for m in $(cat /modules/order); do insmod /modules/$m; done
address=10.88.0.50/24
for word in $(cat /proc/cmdline); do
  case $word in here.ip=*) address=${word#here.ip=} ;; esac
done
hostname guest
ip link set lo up
i=0
while [ ! -e /sys/class/net/eth0 ] && [ $i -lt 50 ]; do usleep 100000; i=$((i + 1)); done
ip addr add $address dev eth0
ip link set eth0 up
echo "guest of HERE, booted $(cat /proc/sys/kernel/random/boot_id)" >/www/index.html
httpd -h /www
guestd &
echo "GUEST READY $(cut -d' ' -f1 /proc/uptime) clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
while :; do setsid cttyhack sh; sleep 1; done
