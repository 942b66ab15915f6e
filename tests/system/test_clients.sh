# test_clients.sh - clients that were not made for andon, unmodified: tritonclient, schemathesis, promtool. Each part runs where its client is installed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
has_triton=$("$PYTHON" -c 'import tritonclient.http; print(1)' 2>/dev/null)
has_schemathesis=$("$PYTHON" -c 'import schemathesis; print(1)' 2>/dev/null)
has_promtool=$(command -v promtool)
[ -n "$has_triton$has_schemathesis$has_promtool" ] || skip "neither tritonclient nor schemathesis nor promtool is installed"

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts --threshold 0.3
ok "predict" $A model predict parts/1 --in plain.csv --out verdicts.csv
rows_of plain.csv
cut -d, -f1-3,5 plain.csv >numbers.csv
try $A data import plain numbers.csv --target broken
ok "a model of another type" $A model train plain --data plain --threshold 0.3
start --unapproved

if [ -n "$has_triton" ]; then
    try "$PYTHON" "$tests/clients.py" "$url" rows.jsonl verdicts.csv
    same "tritonclient ends well" 0 $code
    for how in binary json mixed gzip "gzip of JSON" deflate "deflate of JSON"; do says "tritonclient, $how: the verdicts of model predict" "^$how rows 400 differing 0$"; done
    says "tritonclient, single rows" "^single rows 50 differing 0$"
    says "tritonclient, several at once" "^async rows 100 differing 0$"
    says "tritonclient, asyncio" "^aio rows 100 differing 0$"
    lacks "tritonclient: what is wrong is refused" "^accepted"
else
    echo "skipped: tritonclient is not installed"
fi

if [ -n "$has_promtool" ]; then
    answers "a verdict" 200 /api/models/parts/predict -d '{"torque":5.5,"angle":41,"force":2,"kind":"A"}'
    curl -s "$url/metrics" | promtool check metrics >"$out" 2>"$err"
    same "promtool finds nothing wrong" "0 " "$? $(cat "$out" "$err")"
else
    echo "skipped: promtool is not installed"
fi

if [ -n "$has_schemathesis" ]; then
    # every path and method of the document, with values that fit it and values that do not, and in sequences that use each other's answers
    export SCHEMATHESIS_HOOKS=schemathesis_checks PYTHONPATH=$tests${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
    try timeout 400 "$PYTHON" -m schemathesis.cli run "$url/openapi.json" --max-examples "${ANDON_EXAMPLES:-20}" --seed "${ANDON_SEED:-7}" --workers 1 --no-color \
        --checks no_defect_of_the_server,status_code_conformance,content_type_conformance,response_schema_conformance
    same "schemathesis: no server error, no undocumented status, type or body" 0 $code
    [ $code -eq 0 ] || grep -A40 -m1 "FAILURES\|ERRORS" "$out"
    sed -n '/Test cases/,/Seed/p' "$out"
    answers "the server is as well as before" 200 /v2/health/ready
else
    echo "skipped: schemathesis is not installed"
fi
stop
same "ends in order" 0 $code
finish
