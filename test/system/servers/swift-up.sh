#!/usr/bin/env bash
# OpenStack Swift with its S3 middleware, one node, on the loopback.
#   swift-up.sh start DIR PORT    answers S3 on PORT; the other servers take PORT+1 to PORT+3
#   swift-up.sh stop DIR
# Access key test:tester, secret testing. Packages: swift-proxy swift-account swift-container swift-object
set -euo pipefail
action=${1:?start or stop} dir=${2:?directory}

if [ "$action" = stop ]; then
  [ -f "$dir/pids" ] || exit 0
  while read -r pid; do kill "$pid" 2> /dev/null || true; done < "$dir/pids"
  exit 0
fi

port=${3:?port}
mkdir -p "$dir"/{etc,srv/sdb1,log}
exec > "$dir/start.log" 2>&1
for tool in swift-proxy-server swift-account-server swift-ring-builder curl; do
  command -v "$tool" || { echo "$tool is missing"; exit 1; }
done
cat > "$dir/etc/swift.conf" << END
[swift-hash]
swift_hash_path_prefix = ci
swift_hash_path_suffix = ci
[storage-policy:0]
name = default
default = yes
END
number=0
for kind in container account object; do
  number=$((number + 1))
  cat > "$dir/etc/$kind-server.conf" << END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $((port + number))
user = $(id -un)
swift_dir = $dir/etc
devices = $dir/srv
mount_check = false
disable_fallocate = true
workers = 1
log_level = WARNING
[pipeline:main]
pipeline = $kind-server
[app:$kind-server]
use = egg:swift#$kind
replication_server = true
END
  (
    cd "$dir/etc"
    swift-ring-builder "$kind.builder" create 4 1 0
    swift-ring-builder "$kind.builder" add "r1z1-127.0.0.1:$((port + number))/sdb1" 1
    swift-ring-builder "$kind.builder" rebalance
  )
done
cat > "$dir/etc/proxy-server.conf" << END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = $(id -un)
swift_dir = $dir/etc
workers = 1
log_level = WARNING
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth bulk slo dlo copy versioned_writes symlink proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:symlink]
use = egg:swift#symlink
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
END
: > "$dir/pids"
for kind in account container object proxy; do
  SWIFT_CONF_FILE=$dir/etc/swift.conf "swift-$kind-server" "$dir/etc/$kind-server.conf" \
    > "$dir/log/$kind.log" 2>&1 < /dev/null &
  echo $! >> "$dir/pids"
done
deadline=$((SECONDS + 60))
for number in 1 2 3 0; do
  until curl -s -o /dev/null "http://127.0.0.1:$((port + number))/"; do
    [ $SECONDS -lt $deadline ] || { echo "waited in vain for port $((port + number))"; exit 1; }
    sleep 0.2
  done
done
