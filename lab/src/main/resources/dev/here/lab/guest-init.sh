#!/bin/busybox sh
# Init of the lab's guest: modules, addresses from the kernel command line (here.ip=ADDRESS/PREFIX for eth0, here.ip1=
# for eth1 and so on), services, console.
B=/bin/busybox
$B mkdir -p /proc /sys /dev /tmp /www
$B mount -t proc none /proc
$B mount -t sysfs none /sys
$B mount -t devtmpfs none /dev
$B mount -t tmpfs none /tmp
$B --install -s /bin
export PATH=/bin HOME=/tmp
for m in $(cat /modules/order); do insmod /modules/$m; done
set_address() { # set_address CARD ADDRESS/PREFIX
  i=0
  while [ ! -e /sys/class/net/$1 ] && [ $i -lt 50 ]; do usleep 100000; i=$((i + 1)); done
  ip addr add $2 dev $1
  ip link set $1 up
}
hostname guest
ip link set lo up
for word in $(cat /proc/cmdline); do
  case $word in
    here.ip=*) set_address eth0 ${word#here.ip=} ;;
    here.ip[1-9]=*) card=${word%%=*}; set_address eth${card#here.ip} ${word#*=} ;;
  esac
done
echo "guest of HERE, booted $(cat /proc/sys/kernel/random/boot_id)" >/www/index.html
httpd -h /www
guestd &
echo "GUEST READY $(cut -d' ' -f1 /proc/uptime) clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
while :; do setsid cttyhack sh; sleep 1; done
