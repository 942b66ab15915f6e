# test_limits.sh - CPU share and memory of worker processes on this machine: by control groups where it has them and this user may make some, and
# as a user without: RLIMIT_AS and affinity, and what happens to requests when a worker runs into that. Other kinds of machine: tools/try-cgroups.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
workers() { pgrep -P "$server"; }
how() { curl -s "$url/metrics" | sed -n 's/^andon_replica_limits_info{how="\(.*\)"} 1$/\1/p'; }
until_workers() { for _ in $(seq 300); do [ "$(metric andon_replicas)" = "$1" ] && break; sleep 0.1; done; }
predict=/api/models/parts/predict row='{"torque":5.5,"angle":41,"force":2,"kind":"A"}'
groups_left() { find /sys/fs/cgroup -type d -name "andon-*-$1*" 2>/dev/null | wc -l; }
# group WORKER FILE...: the folder of its group that has one of these files
group() {
    local folder file
    for folder in $(find /sys/fs/cgroup -type d -name "andon-replica-$server-$1" 2>/dev/null); do
        for file in "${@:2}"; do [ -e "$folder/$file" ] && { echo "$folder"; return; }; done
    done
}
clean_up() {
    [ -n "$burner" ] && kill -9 $burner 2>/dev/null
    [ -n "$server" ] && kill -9 $server 2>/dev/null
}
burner=''

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts

# ---- groups -----------------------------------------------------------------------------------------------------------------------------------------------------------
try $A doctor
doctor=$(grep 'replica limits' "$out")
start --model parts --unapproved --replicas 2 --replica-cpus 0.1 --replica-memory-mb 64
until_workers 2
how=$(how)
echo "# $how"
case $doctor in *"$how"*) pass "doctor says what a server then does" ;; *) fail "doctor says what a server then does" "$how, and doctor: $doctor" ;; esac
answers "workers with limits answer" 200 $predict -d "$row"
case $how in
"cgroup v1" | "cgroup v2" | "CPU share by cgroup"*"memory by cgroup"*)
    w=$(workers | head -n 1)
    cpu=$(group "$w" cpu.max cpu.cfs_quota_us) memory=$(group "$w" memory.max memory.limit_in_bytes)
    is "the worker is in a group of its own" -n "$cpu" -a -n "$memory"
    same "its share" "10000 100000" "$(cat "$cpu/cpu.max" 2>/dev/null || echo "$(cat "$cpu/cpu.cfs_quota_us") $(cat "$cpu/cpu.cfs_period_us")")"
    same "its memory" 67108864 "$(cat "$memory/memory.max" 2>/dev/null || cat "$memory/memory.limit_in_bytes")"
    # a loop beside it in its group: the share is the group's. Only the upper end is checked: this machine may be busy
    sh -c 'while :; do :; done' &
    burner=$!
    echo $burner >"$cpu/cgroup.procs"
    ticks() { awk '{ print $14 + $15 }' "/proc/$burner/stat"; } # hundredths of a second
    before=$(ticks) since=$(awk '{ print int($1 * 100) }' /proc/uptime)
    sleep 3
    after=$(ticks) now=$(awk '{ print int($1 * 100) }' /proc/uptime)
    kill -9 $burner
    wait $burner 2>/dev/null
    burner=''
    is "a loop in its group gets a tenth of a processor at most ($((after - before)) of $((now - since)) ticks)" $((after - before)) -le $(((now - since) * 15 / 100 + 5))
    is "and is throttled" "$(awk '$1 == "nr_throttled" { print $2 }' "$cpu/cpu.stat")" -ge 1
    try sh -c "echo \$\$ >'$memory/cgroup.procs' && exec '$PYTHON' -c 'len(bytes(range(256)) * 1200000)'"
    is "what needs more than 64 MB in its group is killed ($code)" $code -eq 137
    for _ in $(seq 100); do get $predict -d "$row"; [ "$code" = 200 ] && break; sleep 0.1; done
    same "and requests are answered" 200 "$code"
    ended=$server
    stop
    same "no group is left" 0 "$(groups_left "$ended")"
    start --model parts --unapproved --replicas 2 --replica-cpus 0.5 --replica-memory-mb 64
    killed=$server
    kill -9 $server
    wait $server 2>/dev/null
    for _ in $(seq 100); do [ "$(pgrep -fc "serve --workspace $work")" = 0 ] && break; sleep 0.1; done
    start --model parts --unapproved --replicas 1 --replica-cpus 0.5 --replica-memory-mb 64
    same "what a killed server left, the next one removes" 0 "$(groups_left "$killed")"
    ;;
*) echo "skipped: this user may make no control groups here: $how" ;;
esac
[ -n "$server" ] && stop

# ---- without: a user who may make none ---------------------------------------------------------------------------------------------------------------------------
as_user=()
if [ "$(id -u)" = 0 ]; then
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    command -v setpriv >/dev/null || { echo "skipped: setpriv is not installed"; finish; }
    chmod 755 "$work"
    chown -R 65534:65534 "$work/ws"
    cp "$ANDON" "$work/andon"
    printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s" "$@"\n' "$work/andon" >"$work/as-nobody"
    chmod 755 "$work/as-nobody"
    A=$work/as-nobody
    $A --version >/dev/null 2>&1 || { echo "skipped: another user cannot run this program"; finish; }
fi
try $A doctor
if ! grep -q "CPU share not enforced" "$out"; then
    echo "skipped: every user may make control groups here"
    finish
fi
says "doctor tells a user without groups" "replica limits +RLIMIT_AS and affinity; CPU share not enforced \(.*\)"
start --model parts --unapproved --replicas 2 --replica-cpus 0.5 --replica-memory-mb 300
until_workers 2
same "and so does the server" "RLIMIT_AS and affinity; CPU share not enforced" "$(how)"
for w in $(workers); do sed -n 's/^Max address space *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$w/limits"; done | sort -u >bounds
same "address space of each" "314572800 314572800" "$(cat bounds)"
for w in $(workers); do sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$w/status"; done | sort >processors
if [ "$(nproc)" -ge 2 ]; then
    same "one processor each, not the same" "2 2" "$(wc -l <processors) $(sort -u processors | wc -l)"
    if grep -q '[,-]' processors; then fail "one processor each" "$(cat processors)"; else pass "and one only"; fi
fi
answers "they answer" 200 $predict -d "$row"
if command -v prlimit >/dev/null; then
    # every worker at its limit: nothing more can be mapped, and these rows need a block of their own
    "$PYTHON" -c "import json; print(json.dumps([json.loads('$row')] * 9000))" >many.json
    get $predict -d @many.json
    if [ "$code" = 200 ]; then
        deaths=$(metric andon_replica_deaths_total)
        for w in $(workers); do kill -9 "$w"; done # new ones, which have no such block yet
        for _ in $(seq 300); do [ "$(metric andon_replica_deaths_total)" -ge $((deaths + 2)) ] && [ "$(metric andon_replicas)" = 2 ] && break; sleep 0.1; done
        answers "new workers answer" 200 $predict -d "$row"
        deaths=$(metric andon_replica_deaths_total)
        for w in $(workers); do "${as_user[@]}" prlimit --pid "$w" --as=1048576; done
        get $predict -d @many.json
        is "out of address space in two workers: an error is the answer ($code)" "$code" -ge 500
        says "that says what happened" '"error"'
        is "both were tried" "$(metric andon_replica_deaths_total)" -ge $((deaths + 2))
        until_workers 2
        answers "the server lives, with new workers" 200 $predict -d @many.json
    else
        fail "9000 rows are answered" "$code"
    fi
fi
stop
same "ends in order" 0 $code
# less than the program itself takes of address space must not be asked of it
start --model parts --unapproved --replicas 1 --replica-memory-mb 32
answers "32 MB of RLIMIT_AS are too few to start: the least that works is taken" 200 $predict -d "$row"
stop
finish
