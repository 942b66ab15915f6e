#!/bin/bash
# in_pod.sh POD ANDON MODELS VOLUME STATE BODY - runs what a pod runs, as a cluster would: in namespaces of its own (call it by `unshare -mn`), as its user, without
# capabilities, on a read-only root file system, with MODELS read-only at /mnt/models, VOLUME at /mnt/volume and STATE (a workspace, or an
# empty folder) copied into /var/lib/andon. POD is the output of pod.py. Asks for BODY, ends it with SIGTERM and says what came.
set -u
init=() main=() writable=() user=10001
. "$1"
andon=$2 models=$3 volume=$4 state=$5 body=$6
export LC_ALL=C HOME=/tmp
mount --make-rprivate /
ip link set lo up
mount -t tmpfs none /mnt || exit 1
mkdir /mnt/bin /mnt/models /mnt/volume /mnt/log /mnt/state
cp "$andon" /mnt/bin/andon
cp "$body" /mnt/body
cp -a "$state/." /mnt/state
mount --bind "$volume" /mnt/volume
mount --bind "$models" /mnt/models && mount -o remount,bind,ro /mnt/models
for folder in "${writable[@]}"; do # emptyDir or a claim, with fsGroup
    case $folder in /var/lib/*) mount -t tmpfs none /var/lib ;; esac
    mkdir -p "$folder"
    mount -t tmpfs none "$folder"
    chown "$user:$user" "$folder"
    chmod 2775 "$folder"
done
cp -a /mnt/state/. /var/lib/andon
chown -R "$user:$user" /var/lib/andon
mount -o remount,bind,ro / || exit 1
export PATH=/mnt/bin:$PATH
as_user() { setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"; }
main=("${main[@]/#\/usr\/bin\/andon//mnt/bin/andon}")
cd /var/lib/andon || exit 1
if [ ${#init[@]} -gt 0 ]; then
    as_user "${init[@]}" >/mnt/log/init 2>&1 || { echo "init failed: $(cat /mnt/log/init)"; exit 1; }
fi
setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "${main[@]}" >/mnt/log/main 2>&1 &
server=$!
url=http://127.0.0.1:8080
for _ in $(seq 600); do
    kill -0 $server 2>/dev/null || { wait $server; echo "ended $? $(cat /mnt/log/main)"; exit 1; }
    curl -sf -o /dev/null $url/v2/health/live && break
    sleep 0.05
done
echo "live $(curl -s -o /dev/null -w '%{http_code}' $url/v2/health/live)"
for _ in $(seq 100); do # an empty workspace does not become ready
    curl -sf -o /dev/null $url/v2/health/ready && break
    [ -d /mnt/state/.andon ] || [ -n "$(ls -A /mnt/models)" ] || break
    sleep 0.05
done
echo "ready $(curl -s -o /dev/null -w '%{http_code}' $url/v2/health/ready)"
echo "answer $(curl -s -X POST $url/v2/models/parts/infer -H 'Content-Type: application/json' --data-binary @/mnt/body | tr -d '\n')"
echo "metrics $(curl -s $url/metrics | grep -c '^andon_')"
echo "uid $(awk '$1 == "Uid:" { print $2 }' /proc/$server/status) capabilities $(awk '$1 == "CapEff:" { print $2 }' /proc/$server/status)"
as_user touch /usr/probe 2>/dev/null && echo "the root is writable"
kill -TERM $server
wait $server
echo "ended $?"
