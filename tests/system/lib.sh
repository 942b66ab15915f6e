# lib.sh - helpers of the system tests: the program as a person uses it, in a temporary folder, with checks that count.
#
# A script sources this file, makes checks, and ends with `finish`. It prints one line per check ("ok - NAME", "not ok - NAME") and "N passed, M failed". A failed check
# does not stop the script but makes it exit 1, and so does a script that ends before `finish`. A missing tool or data set: exit 77 (skipped).
#
#   workspace                        makes $work/ws a fresh workspace and goes there
#   ok NAME command...               the command exits 0; its output is in $out and $err
#   refuses NAME STATUS REGEX ...    the command exits STATUS and says REGEX (grep -E, any of stdout and stderr); again with --json: the same status, and
#                                    stdout is one {"error":{"code","message","where","hint"}} that says REGEX, too; for programs, `refuses_plain` leaves that out
#   status NAME STATUS command...    the command exits STATUS
#   holds NAME JQ [FILE]             jq -e: the expression is true of the one document in FILE (default: $out)
#   says NAME REGEX [FILE]           FILE (default: $out) has a line with REGEX; lacks: it has none
#   same NAME A B                    two texts are equal
#   is NAME condition...             a test(1) condition
set -u
export LC_ALL=C TZ=UTC
unset ANDON_WORKSPACE ANDON_CPU
export ASAN_OPTIONS="exitcode=99:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="halt_on_error=1:exitcode=99:${UBSAN_OPTIONS:-}" # never mistaken for an ordinary failure
: "${ANDON:?set ANDON to the path of the program}" "${ANDON_SOURCE:?set ANDON_SOURCE to the root of the repository}"
ANDON_DATA=${ANDON_DATA:-$ANDON_SOURCE/../shared/data}
PYTHON=${PYTHON:-python3}

passed=0 failed=0 finished=0
work=$(mktemp -d "${TMPDIR:-/tmp}/andon-system.XXXXXX")
out=$work/.out err=$work/.err

at_exit() {
    local code=$?
    type clean_up >/dev/null 2>&1 && clean_up
    cd / && rm -rf "$work"
    [ $code -eq 77 ] && exit 77
    [ $finished -eq 1 ] || { echo "the script ended before its last check (exit $code)"; exit 1; }
    exit $code
}
trap at_exit EXIT
trap 'exit 130' INT TERM

finish() {
    finished=1
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
    exit
}

# sql DATABASE STATEMENT: by sqlite3 or Python's sqlite3, whichever is there; has_sql: one of them is
has_sql() { command -v sqlite3 >/dev/null || "$PYTHON" -c 'import sqlite3' 2>/dev/null; }
sql() {
    if command -v sqlite3 >/dev/null; then
        sqlite3 "$1" "$2"
    else
        "$PYTHON" -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2]): print(*row, sep="|")' "$1" "$2"
    fi
}

skip() {
    echo "skipped: $*"
    exit 77
}

# steps N: N training steps, or ANDON_STEPS where that is set and less (under sanitizers)
steps() { if [ "${ANDON_STEPS:-$1}" -lt "$1" ]; then echo "$ANDON_STEPS"; else echo "$1"; fi; }

need() { command -v "$1" >/dev/null 2>&1 || skip "$1 is not installed"; }

pass() {
    passed=$((passed + 1))
    echo "ok - $*"
}

# fail NAME WHAT...: also shows the last command's output
fail() {
    failed=$((failed + 1))
    echo "not ok - $1"
    shift
    [ $# -gt 0 ] && echo "    $*"
    [ -s "$out" ] && { echo "    stdout:"; tail -c 1500 "$out" | tail -n 15 | sed 's/^/      /'; }
    [ -s "$err" ] && { echo "    stderr:"; tail -c 1500 "$err" | tail -n 15 | sed 's/^/      /'; }
    return 0
}

# try command...: runs it with its output kept; the exit status is in $code
try() {
    "$@" >"$out" 2>"$err" </dev/null
    code=$?
}

workspace() {
    cd "$work" || exit 1
    rm -rf "${1:-ws}"
    "$ANDON" init "${1:-ws}" >/dev/null || exit 1
    cd "${1:-ws}" || exit 1
}

ok() {
    local name=$1
    shift
    try "$@"
    if [ $code -eq 0 ]; then pass "$name"; else fail "$name" "exit $code: $*"; fi
}

status() {
    local name=$1 wanted=$2
    shift 2
    try "$@"
    if [ $code -eq "$wanted" ]; then pass "$name"; else fail "$name" "exit $code instead of $wanted: $*"; fi
}

refuses_plain() {
    local name=$1 wanted=$2 regex=$3
    shift 3
    try "$@"
    if [ $code -ne "$wanted" ]; then
        fail "$name" "exit $code instead of $wanted: $*"
    elif ! cat "$out" "$err" | grep -qE -- "$regex"; then
        fail "$name" "does not say /$regex/: $*"
    else
        pass "$name"
    fi
}

# (what did its work and says no, exit 3 or 130, shows its result beside the error)
error_shape='(keys == ["error"] or $wanted == 3 or $wanted == 130) and (.error | (["code","message","where","hint"] - keys == []) and (.code | type == "string") and (.message | type == "string" and length > 0)
    and (.where | . == null or (type == "string" and length > 0)) and (.hint | . == null or (type == "string" and length > 0)))'

refuses() {
    local name=$1 wanted=$2 regex=$3
    shift 3
    refuses_plain "$name" "$wanted" "$regex" "$@"
    try "$@" --json
    if [ $code -ne "$wanted" ]; then
        fail "$name --json" "exit $code instead of $wanted: $*"
    elif ! jq -es --argjson wanted "$wanted" "length == 1 and (.[0] | $error_shape)" "$out" >/dev/null 2>&1; then
        fail "$name --json" "stdout is not one error document: $*"
    elif ! jq -r '.error | .message, .where // "", .hint // ""' "$out" | grep -qE -- "$regex"; then
        fail "$name --json" "does not say /$regex/: $*"
    else
        pass "$name --json"
    fi
}

holds() {
    local name=$1 test=$2 file=${3:-$out}
    if jq -es "length == 1 and (.[0] | $test)" "$file" >/dev/null 2>"$work/.jq"; then
        pass "$name"
    else
        failed=$((failed + 1))
        echo "not ok - $name"
        echo "    not true: $test $(head -c 300 "$work/.jq")"
        head -c 1500 "$file" | sed 's/^/      /'
        echo
    fi
}

says() {
    if grep -qE -- "$2" "${3:-$out}"; then pass "$1"; else fail "$1" "no line with /$2/ in ${3:-the output}"; fi
}

lacks() {
    if grep -qE -- "$2" "${3:-$out}"; then fail "$1" "a line with /$2/ in ${3:-the output}"; else pass "$1"; fi
}

same() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        failed=$((failed + 1))
        echo "not ok - $1"
        printf '    %s\n    %s\n' "${2:0:400}" "${3:0:400}"
    fi
}

differ() {
    if [ "$2" != "$3" ]; then pass "$1"; else fail "$1" "both are ${2:0:200}"; fi
}

is() {
    local name=$1
    shift
    if [ "$@" ]; then pass "$name"; else fail "$name" "not: $*"; fi
}

absent() {
    local f
    for f in "${@:2}"; do
        [ -e "$f" ] && { fail "$1" "$f exists"; return; }
    done
    pass "$1"
}

# table ROWS POSITIVES > F.csv: columns torque, angle, force, kind, broken; the broken ones have a higher torque. Made by awk: the same everywhere.
table() {
    awk -v n="$1" -v p="$2" -v seed="${3:-7}" 'function short(x) { return sprintf("%.4f", x) + 0 } # no zeroes at the end: values are written back as they were read
    function uniform() { state = state * 16807 % 2147483647; return state / 2147483647 } # not rand(): awks differ
    BEGIN {
        state = seed * 7919; print "torque,angle,force,kind,broken"
        for (i = 1; i <= n; i++) {
            y = i <= p
            u = (uniform() + uniform() + uniform() + uniform() - 2) * 1.7; v = (uniform() + uniform() + uniform() + uniform() - 2) * 1.7; w = (uniform() + uniform() + uniform() + uniform() - 2) * 1.7
            printf "%s,%s,%s,%s,%d\n", short(5 + u + 1.6 * y), short(40 + 3 * v), short(2 + w + 0.4 * u), substr("ABC", int(uniform() * 3) + 1, 1), y
        }
    }'
}

# json FIELD...: jq -r on the last output
json() { jq -r "$@" "$out"; }
