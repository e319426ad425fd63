#!/bin/bash
# Init of a lab host: mounts, networks, its hypervisor's part; then the agent takes over as PID 1.
export PATH=/opt/jre/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
export JAVA_HOME=/opt/jre
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/lock /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
role=kvm
for word in $(cat /proc/cmdline); do
  case $word in role=*) role=${word#role=} ;; esac
done
hostname lab-host
ip link set lo up
# What the kernel asks for by itself (sch_plug, ifb, act_mirred, 8021q and their like) is loaded when it does.
modprobe -a virtio_net tun bridge vhost_net
# The last byte of a device's address says which network it is on (see HostNetwork in the lab's sources).
for device in /sys/class/net/*; do
  [ -e "$device/device" ] || continue
  case $(cat "$device/address") in
    52:54:00:4c:00:01) ip link set "$(basename "$device")" name exec0 ;;
    52:54:00:4c:00:02) ip link set "$(basename "$device")" name data0 ;;
    52:54:00:4c:00:03) ip link set "$(basename "$device")" name repl0 ;;
    52:54:00:4c:00:04) ip link set "$(basename "$device")" name ctl0 ;;
    52:54:00:4c:00:05) ip link set "$(basename "$device")" name vlan0 ;;
  esac
done
ip addr add 10.0.2.15/24 dev exec0
ip link set exec0 up
ip link add br0 type bridge forward_delay 0
ip link set br0 up
ip link set data0 master br0 up
# The trunk carries VLANs 100 and 200, and VLAN 1 untagged: a guest's port that lost its VLAN would be seen outside.
ip link add br1 type bridge forward_delay 0 vlan_filtering 1
ip link set br1 up
ip link set vlan0 master br1 up
bridge vlan add dev vlan0 vid 100
bridge vlan add dev vlan0 vid 200
case $role in
  kvm)
    if grep -qw svm /proc/cpuinfo; then modprobe kvm_amd; else modprobe kvm_intel; fi
    modprobe loop
    ;;
  xen)
    modprobe -a xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs loop
    mount -t xenfs xenfs /proc/xen
    mkdir -p /run/xen /run/xenstored /var/lib/xen /var/log/xen
    tools=/usr/lib/xen-4.17/bin
    $tools/xenstored --pid-file /run/xenstored.pid
    until xenstore-read -s / >/dev/null 2>&1; do sleep 0.1; done
    $tools/xen-init-dom0
    $tools/xenconsoled --pid-file=/run/xenconsoled.pid
    ;;
esac
echo "LAB HOST READY $(cut -d' ' -f1 /proc/uptime)" >/dev/console
exec /opt/lab/agent 5000 </dev/null >/dev/console 2>&1
