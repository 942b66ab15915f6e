# test_deploy.sh - the files under deploy/: what validators say of them (those that are installed; the others are named as skipped), and whether the containers that
# they describe really start, answer and end under the rules that they set: read-only root, their user, no capabilities.
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
tests=$(cd "$(dirname "$0")" && pwd)
deploy=$ANDON_SOURCE/deploy helpers=$ANDON_SOURCE/tests/deploy
cd "$work" || exit 1
checked=0

# tool NAME: is it in PATH, beside the Python of the tests, or in build/validators? Its path is in $tool
tool() {
    local python
    python=$(command -v "$PYTHON")
    for tool in "$(command -v "$1")" "$(dirname "$python")/$1" "$ANDON_SOURCE/build/validators/$1"; do
        [ -n "$tool" ] && [ -x "$tool" ] && { checked=$((checked + 1)); return 0; }
    done
    echo "skipped: $1 is not installed"
    return 1
}
# spoil FILE SED: a copy with a fault, in $broken; it must differ
spoil() {
    broken=$work/broken-$(basename "$1")
    sed "$2" "$1" >"$broken"
    cmp -s "$1" "$broken" && fail "a copy of $(basename "$1") with a fault" "'$2' changed nothing"
}
# denies NAME WORDS...: the command fails
denies() {
    local name=$1
    shift
    try "$@"
    if [ $code -ne 0 ]; then pass "$name"; else fail "$name" "exit 0: $*"; fi
}

# ---- Kubernetes -----------------------------------------------------------------------------------------------------------------------------------------------
for validator in kubernetes-validate kubectl-validate; do
    tool "$validator" || continue
    words=("$tool")
    [ $validator = kubernetes-validate ] && words+=(--strict)
    for file in "$deploy"/kubernetes/*.yaml; do ok "$validator: $(basename "$file")" "${words[@]}" "$file"; done
    spoil "$deploy/kubernetes/andon.yaml" 's/containerPort: 8080/containerPort: http/'
    denies "$validator: a port that is no number is refused" "${words[@]}" "$broken"
    spoil "$deploy/kubernetes/answering.yaml" 's/minReplicas:/minReplica:/'
    denies "$validator: an unknown field is refused" "${words[@]}" "$broken"
done
if tool kube-score; then
    # pod-networkpolicy would have egress closed, too: where verdicts go is the plant's; an image with a version is not pulled anew; one pod is what a workspace has
    ignored=(--ignore-test pod-networkpolicy --ignore-test container-image-pull-policy --ignore-test deployment-replicas --ignore-test deployment-strategy)
    for file in "$deploy"/kubernetes/*.yaml; do ok "kube-score: $(basename "$file")" "$tool" score --exit-one-on-warning "${ignored[@]}" "$file"; done
    spoil "$deploy/kubernetes/andon.yaml" 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/'
    denies "kube-score: a writable root is refused" "$tool" score "${ignored[@]}" "$broken"
fi

# ---- KServe -----------------------------------------------------------------------------------------------------------------------------------------------------
kserve() { "$PYTHON" "$helpers/kserve_fields.py" "$@"; }
try kserve "$deploy"/kserve/*.yaml
if [ $code -eq 77 ]; then
    echo "skipped: KServe's models: $(cut -c10- "$out")"
else
    checked=$((checked + 1))
    if [ $code -eq 0 ]; then pass "fields of KServe's resources"; else fail "fields of KServe's resources" "exit $code"; fi
    spoil "$deploy/kserve/serving-runtime.yaml" 's/supportedModelFormats/supportedModelFormat/'
    denies "an unknown field of a ServingRuntime is refused" kserve "$broken" "$deploy/kserve/inference-service.yaml"
    spoil "$deploy/kserve/inference-service.yaml" 's/scaleTarget: 70/scaleTarget: "70 %"/'
    denies "a number that is a text is refused" kserve "$deploy/kserve/serving-runtime.yaml" "$broken"
    spoil "$deploy/kserve/inference-service.yaml" 's/protocolVersion: v2/protocolVersion: grpc-v2/'
    denies "a protocol that the runtime does not speak is refused" kserve "$deploy/kserve/serving-runtime.yaml" "$broken"
fi

# ---- Dockerfile, unit -----------------------------------------------------------------------------------------------------------------------------------------
if tool hadolint; then
    ok "hadolint: Dockerfile" "$tool" "$deploy/docker/Dockerfile"
    spoil "$deploy/docker/Dockerfile" 's/^USER .*/USER root/; s/^WORKDIR .*/WORKDIR here/'
    denies "hadolint: a container of root is refused" "$tool" "$broken"
fi
if tool systemd-analyze; then
    mkdir -p unit
    sed "s|/usr/bin/andon|$(realpath "$ANDON")|; /^Documentation=/d" "$deploy/systemd/andon-serve.service" >unit/andon-serve.service
    # what a container or a build machine cannot give is no fault of the unit
    try "$tool" verify unit/andon-serve.service
    grep -vE "Failed to (create|connect|open)|runtime directory|Proceeding" "$err" >"$work/said"
    if [ $code -eq 0 ] && [ ! -s "$work/said" ]; then pass "systemd-analyze verify"; else fail "systemd-analyze verify" "$(cat "$work/said")"; fi
    if "$tool" security --help | grep -q -- --offline; then
        ok "systemd-analyze security: exposure of 2.0 or less" "$tool" security --offline=true --threshold=20 unit/andon-serve.service
        sed -i '/^SystemCallFilter/d; /^Protect/d' unit/andon-serve.service
        denies "and more without its filters" "$tool" security --offline=true --threshold=20 unit/andon-serve.service
    fi
    printf 'Restrt=always\n' >>unit/andon-serve.service
    "$tool" verify unit/andon-serve.service >"$out" 2>"$err"
    says "an unknown key is named" "Restrt" "$err"
fi
ok "a workspace" "$ANDON" init "$work/settings"
try timeout 60 "$ANDON" serve --workspace "$work/settings" --config <(sed 's/^port: .*/port: 0/; s/^# \(replica\)/\1/; s/^# model:.*//; $a unknown_setting: 1' "$deploy/systemd/serve.yaml") --port 0
says "and one that it does not know is refused" "unknown_setting" "$err"
lacks "the others are not" 'no parameter "(address|replica)' "$err"

# ---- the containers ------------------------------------------------------------------------------------------------------------------------------------------------
if ! "$PYTHON" -c 'import yaml' 2>/dev/null; then
    echo "skipped: running what the pods run needs Python's yaml"
elif ! unshare -mn sh -c 'mount -t tmpfs none /mnt && ip link set lo up && command -v setpriv' >/dev/null 2>&1; then
    echo "skipped: running what the pods run needs root, namespaces, iproute2 and setpriv"
elif ! command -v curl >/dev/null || ! command -v jq >/dev/null || ! has_sql; then
    echo "skipped: running what the pods run needs curl, jq and sqlite3"
else
    . "$tests/serving.sh"
    A=$ANDON
    workspace plant
    table 400 60 >"$work/plain.csv"
    try "$A" data import parts "$work/plain.csv" --target broken
    ok "a model" "$A" model train parts --data parts
    ok "its champion" "$A" model alias parts/1 champion
    approve parts 1
    cd "$work" || exit 1
    chmod 755 "$work"
    mkdir -p volume empty direct links
    cp -R plant volume/plant
    cp -R plant/. direct/
    echo '{"inputs":[{"name":"torque","shape":[1,1],"datatype":"FP64","data":[5.5]},{"name":"angle","shape":[1,1],"datatype":"FP64","data":[41]},{"name":"force","shape":[1,1],"datatype":"FP64","data":[2]},{"name":"kind","shape":[1,1],"datatype":"BYTES","data":["A"]}]}' >body
    # KServe's storage initializer for a volume: a link for each name that `*` gives
    for file in volume/*; do ln -s "/mnt/volume/$(basename "$file")" links/; done
    pod() { # NAME MANIFEST MODELS STATE: its answers in $out
        "$PYTHON" "$helpers/pod.py" "$2" parts >pod
        try unshare -mn bash "$helpers/in_pod.sh" pod "$(realpath "$ANDON")" "$3" volume "$4" body
        same "$1: it is live and ready" "live 200 ready 200" "$(grep -E '^(live|ready)' "$out" | tr '\n' ' ' | sed 's/ $//')"
        says "$1: it answers by the Open Inference Protocol" '^answer .*"outputs".*"label"'
        says "$1: with metrics" '^metrics [1-9][0-9]'
        says "$1: as its user, without capabilities" '^uid 10001 capabilities 0000000000000000$'
        lacks "$1: on a root that it cannot write" "the root is writable"
        says "$1: and ends in order at SIGTERM" '^ended 0$'
    }
    pod "one pod with its volume" "$deploy/kubernetes/andon.yaml" empty plant
    pod "pods that only answer" "$deploy/kubernetes/answering.yaml" direct empty
    pod "KServe, a workspace mounted" "$deploy/kserve/serving-runtime.yaml" direct empty
    pod "KServe, links to what is in a volume" "$deploy/kserve/serving-runtime.yaml" links empty
    "$PYTHON" "$helpers/pod.py" "$deploy/kserve/serving-runtime.yaml" parts >pod
    try unshare -mn bash "$helpers/in_pod.sh" pod "$(realpath "$ANDON")" empty volume empty body
    says "KServe, no workspace: it says so" 'ended 1 no workspace in /mnt/models'
    "$PYTHON" "$helpers/pod.py" "$deploy/kubernetes/andon.yaml" >pod
    try unshare -mn bash "$helpers/in_pod.sh" pod "$(realpath "$ANDON")" empty volume empty body
    same "an empty volume becomes a workspace; live, and not ready without a model" "live 200 ready 503 ended 0" \
        "$(grep -E '^(live|ready|ended)' "$out" | tr '\n' ' ' | sed 's/ $//')"
    if "$PYTHON" -c 'import kserve_storage' 2>/dev/null; then
        ok "KServe's own storage initializer" "$PYTHON" -c "from kserve_storage import Storage; Storage.download('file://$work/volume', '$work/theirs')"
        same "makes the links that stood for it" "$(ls -A links)" "$(ls -A theirs)"
    fi
fi
[ $checked -gt 0 ] || echo "skipped: no validator is installed"
finish
