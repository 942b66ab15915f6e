# test_demo.sh - the demo ends with a served model: the lines it prints work as printed, and nothing is left running.
. "$(dirname "$0")/lib.sh"
need jq
need curl
A=$ANDON
server=''
clean_up() { [ -n "$server" ] && kill -9 "$server" 2>/dev/null; }
cd "$work" || exit 1
mkdir "a folder"
ok "demo" $A demo gearbox "a folder/line" --rows 300 --repeats 1 --quiet
serve=$(grep -oE 'andon serve .*' "$out")
curl=$(grep -oE 'curl .*' "$out")
says "the verdict of one request over HTTP" "asked over HTTP .* = [01], probability 0\.[0-9]+, threshold 0\.[0-9]+"
same "the last lines: serve and curl" "        $serve
        $curl" "$(tail -n 2 "$out")"
same "no process is left" "" "$(pgrep -f "$work/a folder" || true)"
ok "again, with --json" $A demo gearbox "a folder/line" --rows 300 --repeats 1 --quiet --json
holds "the same in the document" '.verdict.model == "gearbox" and .verdict.unapproved == true and (.curl | startswith("curl ")) and .serve == "'"$serve"'"'
same "the same curl line" "$curl" "$(json .curl)"
holds "the whole row was sent: nothing is missing" '.verdict.missing == [] and .verdict.out_of_range == []'
wanted=$(json -c '[.verdict.label, .verdict.probability]')

# as printed; only where something else has this port already is another one taken
cd "a folder/line" || exit 1
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
    port=$((20000 + RANDOM % 10000))
    serve="$serve --port $port" curl=${curl/:8080/:$port}
fi
ln -sf "$A" "$work/andon"
PATH=$work:$PATH
eval "exec $serve" >"$work/url" 2>"$work/serve.err" &
server=$!
for i in $(seq 200); do [ -s "$work/url" ] && break; sleep 0.05; done
cd / || exit 1
try bash -c "$curl"
same "the printed lines work, wherever curl is typed: the same verdict" "$wanted" "$(json -c '[.label, .probability]')"
kill -TERM $server
wait $server
same "the server ends" 0 $?
server=''
finish
