# test_cli.sh - the grammar: help made from the tables, exit statuses, quiet and JSON output, completion, finding the workspace.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON

ok "--version" $A --version
says "names program and version" '^andon [0-9]+\.[0-9]+\.[0-9]+'
ok "--help" $A --help
says "the exit statuses" 'exit: 0 .*1 .*2 .*3 .*130'
cp "$out" all.txt
ok "help" $A help
same "is the same" "$(cat all.txt)" "$(cat "$out")"
status "no command" 2 $A
says "help all the same" 'usage: andon'

# every command in the list has help with parameters and two examples
commands=$(sed -n 's/^  \([a-z][a-z ]*[a-z]\) .*/\1/p' all.txt | sed 's/  .*//')
is "the list has the commands that are agreed" "$(echo "$commands" | wc -l)" -ge 30
for wanted in "init" "demo gearbox" "sim gearbox" "data import" "data list" "data show" "data profile" "data split" "data export" "synth fit" "synth sample" "synth judge" "synth compare" "synth list" "synth show" \
    "model train" "model evaluate" "model explain" "model show" "model list" "model predict" "model export" "model threshold" "model alias" "compare" "run" "runs list" "runs show" "lineage" "report" "doctor"; do
    echo "$commands" | grep -qx "$wanted" && pass "there is '$wanted'" || fail "there is '$wanted'" "$(echo "$commands" | tr '\n' ',')"
done
while IFS= read -r command; do
    try $A $command --help
    help=$(cat "$out")
    problem=
    [ $code -eq 0 ] || problem="exit $code"
    [ -s "$err" ] && problem="$problem; says something on stderr"
    grep -q "^usage: andon $command" "$out" || problem="$problem; no usage line"
    grep -q '^parameters:' "$out" || problem="$problem; no parameters"
    examples=$(sed -n '/^examples:/,$p' "$out" | grep -c "^  andon $command")
    [ "$examples" -ge 1 ] || problem="$problem; no example"
    for flag in json quiet seed threads workspace fresh help; do grep -qE "^ +--$flag( |$)" "$out" || problem="$problem; no --$flag"; done
    [ "$(awk 'length > 200' "$out" | wc -l)" -eq 0 ] || problem="$problem; lines over 200 characters"
    [ -z "$problem" ] && pass "$command --help" || fail "$command --help" "$problem"
    [ "$examples" -ge 2 ] && pass "$command --help has two examples" || fail "$command --help has two examples" "has $examples"
    same "help $command" "$help" "$("$ANDON" help $command)"
    # each example is taken by the parser: its flags exist
    sed -n '/^examples:/,$p' "$out" | grep -o ' --[a-z0-9-]*' | sort -u | while read -r flag; do
        grep -qE "^ +$flag( |$)" "$out" || echo "$flag"
    done >"$work/unknown"
    same "the examples of $command use flags that it has" "" "$(cat "$work/unknown")"
done <<<"$commands"
ok "data import --help" $A data import --help
for flag in target positive group time id drop keep after-decision type unit delimiter decimal thousands encoding no-header names missing date-format; do
    says "data import has --$flag" "^ +--$flag( |$)"
done
says "defaults and ranges are told" 'default'
ok "compare --help" $A compare --help
for flag in data models balance repeats threshold cost-escape cost-reject cost-test set; do says "compare has --$flag" "^ +--$flag( |$)"; done
ok "synth sample --help" $A synth sample --help
for flag in rows filter out; do says "synth sample has --$flag" "^ +--$flag( |$)"; done
ok "help wins over mistakes before it" $A model train --help x
ok "-h" $A model train -h
ok "a group's help" $A model --help
says "its commands" 'model train NAME'
status "a group alone" 2 $A model

# ---- statuses -------------------------------------------------------------------------------------------------------------------------------
refuses "an unknown command" 2 "andon --help" $A frobnicate
refuses "a near miss" 2 "andon doctor" $A docter
refuses "help for an unknown command" 2 "data import" $A help data improt
refuses "an unknown flag first" 2 'command' $A --nothing
refuses "one dash" 2 '\-\-json' $A data list -json
table 120 24 >good.csv
ok "import" $A data import good good.csv --target broken
refuses "a folder that cannot be made" 1 'andon|folder|Not a directory' $A init good.csv/x
if [ -w /dev/full ]; then
    "$ANDON" data show good >/dev/full 2>"$err"
    same "a full disk behind stdout is a failure" 1 $?
    says "and told" 'No space left' "$err"
    "$ANDON" data show good --json >/dev/full 2>"$err"
    same "with --json, too" 1 $?
fi
"$ANDON" data show good --json | head -c 1 >/dev/null
pass "a reader that goes away"

# ---- quiet, JSON --------------------------------------------------------------------------------------------------------------------------------
for command in "data import quiet good.csv --target broken" "model train q --data good --quiet" "synth fit q --data good --set wgan.steps=300" "synth judge --generator q" "compare --data good --balance none,smote --repeats 2" \
    "sim gearbox --rows 40 --out q.csv" "synth sample q --rows 20 --out q2.csv"; do
    ok "andon $command --quiet" $A $command --quiet
    same "prints nothing on stderr" "" "$(cat "$err")"
    is "and its result on stdout" -s "$out"
done
printf 'name: f\nsteps:\n  get: {use: import, set: {file: good.csv}}\n' >f.yaml
ok "a pipeline --quiet" $A run f.yaml --quiet
same "prints nothing on stderr" "" "$(cat "$err")"
ok "a pipeline --json" $A run f.yaml --json --fresh
holds "is one document on stdout" '.state == "done"'
is "with its messages on stderr" -s "$err"
lacks "without colours or bars in a file" $'\033' "$err"
refuses_plain "an error --quiet" 2 'no data' $A data show nothing --quiet

# ---- where the workspace is ---------------------------------------------------------------------------------------------------------------------
mkdir -p deep/er
ok "the nearest workspace upwards" env -C deep/er "$ANDON" data show good --json
holds "is found" '.rows == 120'
ok "--workspace" env -C / "$ANDON" data show good --json --workspace "$PWD"
ok "ANDON_WORKSPACE" env -C / ANDON_WORKSPACE="$PWD" "$ANDON" data show good --json
ok "init in a workspace again" $A init .
ok "harms nothing" $A data show good
ok "--flag=value" $A data export good --out=e.csv
same "is --flag value" "120" "$(($(wc -l <e.csv) - 1))"
ok "lists add up" $A data import lists good.csv --target broken --drop angle --drop force --json
holds "repeated flags" '[.dropped[].name] | sort == ["angle","force"]'
ok "and take commas" $A data import lists good.csv --target broken --drop angle,force --json
holds "the same" '.version == 1'
ok "the seed is recorded" $A model train seeded --data good --balance random --seed 42
ok "runs" $A runs list --limit 1 --json

# ---- completion -------------------------------------------------------------------------------------------------------------------------------------
ok "completion" $A completion
cp "$out" complete.bash
ok "bash takes it" bash -n complete.bash
complete() { bash -c 'source complete.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _andon; echo "${COMPREPLY[@]}"' bash "$@"; }
same "of a noun" "data demo doctor" "$(complete andon d | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
same "of a verb" "import" "$(complete andon data im)"
same "of a flag" "--target" "$(complete andon data import x --targ)"
same "of a verb of every noun" "list" "$(complete andon journal l)"

# ---- help for programs -------------------------------------------------------------------------------------------------------------------------------
ok "--help --json" $A --help --json
same "names the same commands" "$(echo "$commands" | sort)" "$(jq -r '.commands[].name' "$out" | sort)"
holds "with typed parameters" 'all(.commands[].parameters[]; (.type | IN("integer", "number", "boolean", "choice", "text", "list")) and (.doc | length > 0) and has("default"))'
ok "of one command" $A serve --help --json
holds "only that" '[.commands[].name] == ["serve"] and any(.commands[0].parameters[]; .name == "port" and .type == "integer" and .default == 8080 and .high == 65535)'
holds "what every command takes" 'any(.common[]; .name == "workspace" and .default == null)'
ok "the other way round" $A help model train --json
holds "has choices" '[.commands[].name] == ["model train"] and .commands[0].parameters[0] == {"name": "name", "flag": false, "type": "text", "default": null, "doc": .commands[0].parameters[0].doc}'
ok "of a noun" $A data --help --json
holds "its commands" 'all(.commands[].name; startswith("data ")) and (.commands | length) > 8'
refuses "of no command" 2 "no command" $A dta --help
ok "man" $A man
cp "$out" andon.1
same "a section for each command" "$(echo "$commands" | wc -l)" "$(grep -c '^\.SS ' andon.1)"
if command -v man >/dev/null && command -v groff >/dev/null; then
    ok "man reads it" man --warnings -l -P cat andon.1
    says "the commands" 'andon serve'
    same "no warnings but of long words" "" "$(grep -v " line$" "$err")"
fi
finish
