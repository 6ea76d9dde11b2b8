#!/usr/bin/env bash
# One Ceph monitor, one storage daemon in memory and the RADOS Gateway, on the loopback.
#   ceph-up.sh start DIR PORT    answers S3 on PORT; the monitor takes PORT+1 and PORT+2
#   ceph-up.sh stop DIR
# Access key ciaccess, secret cisecret. Packages: radosgw ceph-mon ceph-osd
set -euo pipefail
action=${1:?start or stop} dir=${2:?directory}

if [ "$action" = stop ]; then
  [ -f "$dir/pids" ] || exit 0
  while read -r pid; do kill -9 "$pid" 2> /dev/null || true; done < "$dir/pids"
  exit 0
fi

port=${3:?port}
mkdir -p "$dir"/{mon,osd,rgw,log,run}
exec > "$dir/start.log" 2>&1
for tool in ceph-mon ceph-osd radosgw ceph-authtool monmaptool uuidgen curl; do
  command -v "$tool" || { echo "$tool is missing"; exit 1; }
done
monitor="[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]"
fsid=$(uuidgen)
cat > "$dir/ceph.conf" << END
[global]
fsid = $fsid
mon host = $monitor
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $dir/keyring
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail crit = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
mon data = $dir/mon
osd data = $dir/osd
log file = $dir/log/\$name.log
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
run dir = $dir/run
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $dir/rgw
rgw dns name = 127.0.0.1
rgw thread pool size = 64
rgw run sync thread = false
END
ceph=(-c "$dir/ceph.conf")

# until COMMAND succeeds, for a minute at most
await() {
  local deadline=$((SECONDS + 60))
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { echo "waited in vain: $*"; exit 1; }
    sleep 0.2
  done
}

ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow rwx' --cap osd 'allow rwx'
ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
monmaptool --create --fsid "$fsid" --addv a "$monitor" "$dir/monmap"
ceph-mon "${ceph[@]}" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
: > "$dir/pids"
ceph-mon "${ceph[@]}" -i a -f > "$dir/log/mon.out" 2>&1 < /dev/null &
echo $! >> "$dir/pids"
await ceph "${ceph[@]}" -s
cp "$dir/keyring" "$dir/osd/keyring"
uuid=$(uuidgen)
ceph "${ceph[@]}" osd new "$uuid"
ceph-osd "${ceph[@]}" -i 0 --mkfs --osd-uuid "$uuid"
ceph-osd "${ceph[@]}" -i 0 -f > "$dir/log/osd.out" 2>&1 < /dev/null &
echo $! >> "$dir/pids"
up() { ceph "${ceph[@]}" osd stat | grep -q '1 up'; }
await up
radosgw-admin "${ceph[@]}" -n client.rgw user create --uid=ci --display-name=ci \
  --access-key=ciaccess --secret-key=cisecret
radosgw "${ceph[@]}" -n client.rgw -f > "$dir/log/rgw.out" 2>&1 < /dev/null &
echo $! >> "$dir/pids"
await curl -s -o /dev/null "http://127.0.0.1:$port/"
