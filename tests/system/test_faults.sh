# test_faults.sh - disks that fill up, processes that are killed, people who press Ctrl-C: a clear message, nothing half-written, and the same result by the same command.
. "$(dirname "$0")/lib.sh"
need jq
A=$ANDON
mounted=
clean_up() { [ -n "$mounted" ] && { umount "$mounted" || umount -l "$mounted"; } 2>/dev/null; }

workspace reference
"$ANDON" sim gearbox --rows 500 --out gearbox.csv --quiet >/dev/null
cp gearbox.csv "$work/gearbox.csv"
{ for i in $(seq 1 40); do tail -n +2 gearbox.csv | sed "s/^GB/G$i/"; done; } | { head -n 1 gearbox.csv && cat; } >"$work/big.csv"
cat >"$work/gan.yaml" <<'Y'
name: gan
steps:
  get: {use: import, set: {file: gearbox.csv}}
  clean: {use: clean, set: {name: gearbox, target: broken}}
  split: {use: split}
  fit: {use: synth-fit, set: {method: wgan, set: [wgan.steps=@steps@]}}
  judge: {use: judge}
  register: {use: register, set: {what: generator, name: gan}}
  sample: {use: synth-sample, set: {rows: 200}}
  balance: {use: balance}
  train: {use: train}
  evaluate: {use: evaluate}
  model: {use: register, set: {what: model, name: gan}}
Y
sed -i "s/@steps@/$(steps 1500)/" "$work/gan.yaml"

# what is done, and what of the result must not differ
import() { "$ANDON" data import big "$work/big.csv" --target broken --json "$@"; }
fit() { "$ANDON" synth fit fit --data gearbox --method wgan --set wgan.steps=$(steps 3000) --json "$@"; }
train() { "$ANDON" model train train --data gearbox --balance smote --threshold f2 --json "$@"; }
compare() { "$ANDON" compare --data gearbox --balance none,threshold,smote,wgan --set wgan.steps=$(steps 400) --repeats 3 --json "$@"; }
report() { "$ANDON" report base --out report.html --json "$@"; }
flow() { "$ANDON" run gan.yaml --json "$@"; }
sample() { "$ANDON" synth sample base --rows 3000 --out made.csv --json "$@"; }
judge() { "$ANDON" synth judge --generator base --json "$@"; }
predict() { "$ANDON" model predict base --in gearbox.csv --out verdicts.csv --json "$@"; }
facts() {
    case $1 in
    import) jq -S -c '[.id, .version, .rows, .positives, .columns]' ;;
    fit | train) jq -S -c '[.id, .version, .metrics]' ;;
    compare) jq -S -c '[.rows, .recommendation]' ;;
    flow) jq -S -c '[.state, [.steps[] | [.name, (.outputs | del(.judgement))]]]' ;; # a judgement holds times
    judge) jq -S -c '[.columns, .floor, .ceiling, (.scores | del(.sample_1k_s, .sample_10k_s))]' ;;
    report) tail -c 8 report.html && cat $(ls report.tables/*.csv | grep -vE '/(provenance|settings)\.csv') | sha256sum ;; # those two name runs and times
    sample) sha256sum made.csv ;;
    predict) sha256sum verdicts.csv ;;
    esac
}
prepare() { # in the folder of a fresh workspace
    cp "$work/gearbox.csv" "$work/gan.yaml" . && "$ANDON" data import gearbox gearbox.csv --target broken --quiet >/dev/null &&
        "$ANDON" synth fit base --data gearbox --set wgan.steps=150 --quiet >/dev/null && "$ANDON" model train base --data gearbox --quiet >/dev/null
}
sound() { # NAME: what must be true after a fault
    local name=$1
    ok "$name: doctor" $A doctor --json
    holds "$name: the workspace is sound" '[.checks[] | select(.name == "workspace" or .name == "record") | .ok] == [true, true]'
    has_sql && same "$name: SQLite agrees" ok "$(sql .andon/andon.db 'PRAGMA integrity_check' 2>&1)"
    same "$name: no half-written file" "" "$(find . -path ./.andon -prune -o \( -name '*.part' -o -name '*.tmp' \) -print | head -n 3)"
    [ -e report.html ] && same "$name: the page is whole" "</html>" "$(tail -c 8 report.html)"
    return 0
}

prepare || { echo "not ok - the reference workspace"; exit 1; }
declare -A reference seconds
for act in report import fit train compare sample judge predict; do # the report first: it shows what there is by then
    begun=$(date +%s%N)
    $act >"$work/$act.json" 2>"$err" || fail "reference $act"
    seconds[$act]=$((($(date +%s%N) - begun) / 1000000))
    reference[$act]=$(facts $act <"$work/$act.json")
done
workspace fresh && cp "$work/gearbox.csv" "$work/gan.yaml" .
begun=$(date +%s%N)
flow >"$work/flow.json" 2>"$err" || fail "reference flow"
seconds[flow]=$((($(date +%s%N) - begun) / 1000000))
reference[flow]=$(facts flow <"$work/flow.json")

again() { # NAME ACT: the same command, undisturbed now, gives what an undisturbed one gave
    local name=$1 act=$2
    $act >"$out" 2>"$err"
    local code=$?
    [ $code -eq 0 ] || { fail "$name: works afterwards" "exit $code"; return; }
    same "$name: the result is that of an undisturbed one" "${reference[$act]}" "$(facts "$act" <"$out")"
}

# ---- disk full ----------------------------------------------------------------------------------------------------------------------------
full='No space left|disk .*full|File too large|too large|cannot grow'
mkdir "$work/disk"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=48m tmpfs "$work/disk" 2>/dev/null; then
    mounted=$work/disk
    for act in import fit train compare report sample judge predict flow; do
        rm -rf "${work:?}/disk"/* "$work/disk"/.[a-z]* && workspace disk/ws && prepare || fail "$act: preparing"
        refused=0
        for free in 0 24 60 140 300 600; do # KB
            left=$(df --output=avail -k . | tail -n 1)
            dd if=/dev/zero of="$work/disk/filler" bs=1024 count=$((left - free)) status=none
            $act >"$out" 2>"$err"
            code=$?
            rm -f "$work/disk/filler"
            [ $code -eq 0 ] && break # there was room enough
            refused=$((refused + 1))
            if [ $code -ne 1 ]; then
                fail "$act with $free KB left fails by exit 1" "exit $code"
            elif ! jq -r '.error.message' "$out" | grep -qE "$full"; then
                fail "$act with $free KB left says that the disk is full"
            elif ! jq -e '.error.hint | length > 0' "$out" >/dev/null; then
                fail "$act with $free KB left says what to do"
            else
                pass "$act with $free KB left fails and says why"
            fi
        done
        is "$act: it was refused at least twice" "$refused" -ge 2
        sound "$act on a full disk"
        again "$act on a full disk" $act
    done
    cd "$work" && umount "$mounted" && mounted=
else
    echo "# a tmpfs cannot be mounted here: a limit on the size of files stands in for a full disk"
fi
workspace limited && prepare || fail "preparing"
for act in import report sample predict; do
    (ulimit -f 40 && $act) >"$out" 2>"$err" # 40 KB a file
    same "$act under a limit on file sizes fails by exit 1" 1 $?
    says "$act: it says why" "$full"
    sound "$act under a limit"
    again "$act under a limit" $act
done

# ---- kill -9 -----------------------------------------------------------------------------------------------------------------------------------
RANDOM=20260301
strike() { # PID of the background shell: kills the program that runs in it; its status is in $code
    kill -KILL $(cat "/proc/$1/task/$1/children" 2>/dev/null) 2>/dev/null
    wait "$1" 2>/dev/null
    code=$?
}
struck() { # ACT ROUND: starts it, kills it at a random moment of the time that it takes (less in later rounds); $hit counts those that were still at it
    local wait_ms=$((RANDOM % (seconds[$1] * 5 / (4 + $2) + 1)))
    $1 --fresh >/dev/null 2>&1 &
    local pid=$!
    sleep "$(awk -v ms=$wait_ms 'BEGIN { print ms / 1000 }')"
    strike $pid
    [ $code -eq 137 ] && hit=$((hit + 1))
}
for act in import fit train compare flow; do
    workspace "kill.$act" && cp "$work/gearbox.csv" "$work/gan.yaml" . || exit 1
    [ $act = flow ] || "$ANDON" data import gearbox gearbox.csv --target broken --quiet >/dev/null
    hit=0
    for ((round = 1; round <= 5 || (hit < 1 && round <= 60); round++)); do # a machine that got faster meanwhile gets more, shorter rounds
        struck $act $round
    done
    is "$act: kill -9 struck" "$hit" -ge 1
    sound "$act after kill -9"
    again "$act after kill -9" $act
    "$ANDON" runs list --limit 1000 --json >"$out" 2>"$err"
    holds "$act after kill -9: no dead run is said to be running" '[.runs[] | select(.state == "running")] == []'
    case $act in
    import) same "one version" 1 "$("$ANDON" data list big --json | jq '.rows | length')" ;;
    fit) same "one version" 1 "$("$ANDON" synth list fit --json | jq '.rows | length')" ;;
    train) same "one version" 1 "$("$ANDON" model list train --json | jq '.rows | length')" ;;
    flow) same "one version of each" "1 1 1" "$("$ANDON" data list --json | jq '.rows | length') $("$ANDON" synth list --json | jq '.rows | length') $("$ANDON" model list --json | jq '.rows | length')" ;;
    esac
done

# what was finished when the pipeline was killed is not done again
workspace resume && cp "$work/gearbox.csv" "$work/gan.yaml" .
flow >/dev/null 2>"$work/progress" &
pid=$!
for _ in $(seq 400); do
    grep -q '^split: done' "$work/progress" && break
    sleep 0.02
done
strike $pid
same "the pipeline was killed" 137 $code
ok "the pipeline goes on" flow
holds "without repeating what was finished" '[.steps[] | select(.cached) | .name] | (index("get") != null and index("clean") != null and index("split") != null)'
same "to the same result" "${reference[flow]}" "$(facts flow <"$out")"

# ---- Ctrl-C -------------------------------------------------------------------------------------------------------------------------------------
if [ -n "${ANDON_STEPS:-}" ]; then
    echo "# trainings are capped at $ANDON_STEPS steps: too short to be interrupted at a chosen moment"
    finish
fi
workspace interrupt && cp "$work/gearbox.csv" "$work/gan.yaml" . && "$ANDON" data import gearbox gearbox.csv --target broken --quiet >/dev/null
interrupt() { # SECONDS command...: SIGINT after so long; its status is in $code
    local after=$1
    shift
    "$@" >"$out" 2>"$err" &
    local pid=$!
    sleep "$after"
    kill -INT $pid 2>/dev/null
    wait $pid
    code=$?
}
long=("$ANDON" synth fit long --data gearbox --method wgan --set wgan.steps=40000 --set wgan.patience=100000)
interrupt 0.8 "${long[@]}"
same "Ctrl-C while training: exit 130" 130 $code
is "a checkpoint is left" -n "$(find .andon/work -type f -size +0 | head -n 1)"
says "what to do is said" 'same command' "$err"
ok "no generator yet" $A synth list --json
holds "was registered" '.rows == []'
ok "the run is on record" $A runs list --json
holds "as stopped" '.runs[0].state == "stopped"'
interrupt 0.4 "${long[@]}" --json
if [ $code -eq 130 ]; then holds "Ctrl-C with --json" '.error.code == "interrupted"'; else fail "Ctrl-C again" "exit $code"; fi
ok "the same command goes on" "${long[@]}" --json
says "from where it was" 'going on from step [1-9]' "$err"
resumed=$(json .id)
workspace uninterrupted && cp "$work/gearbox.csv" . && "$ANDON" data import gearbox gearbox.csv --target broken --quiet >/dev/null
ok "uninterrupted" "${long[@]}" --json
same "the same generator" "$resumed" "$(json .id)"
cd "$work/interrupt" || exit 1
same "the checkpoint is gone" "" "$(find .andon/work -type f | head -n 1)"

interrupt 0.3 "$ANDON" compare --data gearbox --balance none,smote,wgan --set wgan.steps=3000 --repeats 6
same "Ctrl-C while comparing: exit 130" 130 $code
interrupt 0.5 "$ANDON" run gan.yaml --set fit.set=wgan.steps=20000
same "Ctrl-C while a pipeline runs: exit 130" 130 $code
sound "after Ctrl-C"
again "after Ctrl-C" compare
interrupt 0.02 "$ANDON" data import big "$work/big.csv" --target broken
is "Ctrl-C while importing: exit 130, or it was done" "$code" -eq 130 -o "$code" -eq 0
again "an import after Ctrl-C" import
finish
