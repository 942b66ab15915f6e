# test_serve_outbox_sql.sh - verdicts on parts to tables on servers, by ODBC: SQLite's driver, and a PostgreSQL of the test's own that is restarted, frozen and locked,
# whose connections are cut and whose driver's process is killed; each verdict is there once, and the line never waits.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
has_driver() { # NAME: registered, and its file is there
    local file
    file=$(sed -n "/^\[$1\]/,/^\[/s/^Driver *= *//p" "${ODBCSYSINI:-/etc}/odbcinst.ini" 2>/dev/null | head -n 1)
    [ -n "$file" ] && { [ -e "$file" ] || [ -n "$(find /usr/lib /usr/local/lib -path "*odbc/${file##*/}" 2>/dev/null | head -n 1)" ]; }
}
has_sql || skip "neither sqlite3 nor Python's sqlite3"
[ -n "$(find /lib /usr/lib /usr/local/lib -name 'libodbc.so.2' 2>/dev/null | head -n 1)" ] || skip "no ODBC driver manager (unixodbc)"
has_driver SQLite3 || has_driver 'PostgreSQL Unicode' || skip "no ODBC driver (libsqliteodbc, odbc-postgresql)"
pg=''
clean_up() {
    [ -n "$server" ] && kill -9 "$server" 2>/dev/null
    [ -n "$pg" ] && { pg_signal CONT; pg_ctl stop -m immediate; rm -rf "$pg" "$pg.out"; }
}
. "$tests/outbox.sh"
driver_process() { pgrep -P "$server"; }

# ---- settings ---------------------------------------------------------------------------------------------------------------------------------------------------------
for case in 'odbc: mes|connection text' 'odbc: "DSN=mes", file: v.db|either a file' 'odbc: "DSN=mes;Pwd=x"|holds a password' 'odbc: "DSN=mes", table: "v; DROP"|letters' \
    'odbc: "DSN=mes", timeout_s: 0|timeout_s' 'odbc: "DSN=mes", user: u, password_file: absent|absent' 'odbc: "DSN=mes", usr: u|user'; do
    printf 'outbox: {sql: {%s}}\n' "${case%%|*}" >wrong.yaml
    refuses_plain "refused: ${case%%|*}" 2 "${case##*|}" $A serve --model parts --port 0 --config wrong.yaml
done
printf 'model: [parts]\noutbox:\n  sql: {odbc: "Driver=No Such Driver", table: v}\n' >sql.yaml
start --config sql.yaml
warned "a driver that is not there is known before the first verdict" "by sql: no connection to the database: .*No Such Driver.*odbcinst"
stop
same "exit" 0 $code

# ---- SQLite by its driver: what was answered is there once, whatever is killed --------------------------------------------------------------------------------------------------
check() { # TABLE-CONTENT ("id|verdict" lines on stdin): every answered verdict is there with its word, and none is there twice
    "$PYTHON" -c 'import sys
answered = dict(line.split() for line in open("answered.txt"))
rows = [line.rstrip("\n").split("|") for line in sys.stdin if "|" in line]
kept = dict(rows)
print("missing", sum(s + "#1" not in kept for s in answered), "wrong", sum(kept.get(s + "#1", v) != v for s, v in answered.items()), "twice", len(rows) - len(kept))'
}
if has_driver SQLite3; then
    printf 'model: [parts]\noutbox:\n  sql: {odbc: "Driver=SQLite3;Database=%s/v.db", table: line_1}\n' "$PWD" >sql.yaml
    for round in 1 2 3; do
        start --config sql.yaml
        parts $((round * 10000)) $((round * 10000 + 3000)) answered.txt &
        client=$!
        sleep 0.$((round * 2))
        kill -9 "$server"
        wait "$server" $client 2>/dev/null
    done
    start --config sql.yaml
    parts 0 100 answered.txt
    delivered
    same "every answered verdict is in the table, once" "missing 0 wrong 0 twice 0" "$(sql v.db 'SELECT id, verdict FROM line_1' | check)"
    process=$(driver_process)
    same "the driver has a process of its own" 1 "$(wc -w <<<"$process")"
    kill -9 "$process"
    parts 100 120 answered.txt
    delivered
    same "a driver that crashes costs nothing" "missing 0 wrong 0 twice 0" "$(sql v.db 'SELECT id, verdict FROM line_1' | check)"
    process=$(driver_process)
    stop
    same "exit" 0 $code
    for i in $(seq 100); do kill -0 "$process" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$process" 2>/dev/null; then fail "its process ends with the server" "$process lives"; else pass "its process ends with the server"; fi
    start --config sql.yaml
    delivered
    sleep 0.1
    process=$(driver_process)
    kill -9 "$server"
    wait "$server" 2>/dev/null
    for i in $(seq 100); do kill -0 "$process" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$process" 2>/dev/null; then fail "also where that was killed" "$process lives"; else pass "also where that was killed"; fi
else
    echo "skipped: SQLite by ODBC: libsqliteodbc is not installed"
fi

# ---- PostgreSQL ------------------------------------------------------------------------------------------------------------------------------------------------------------------
initdb=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
as=() # who runs it: it refuses to be root's
if [ "$(id -u)" = 0 ]; then
    for who in postgres nobody; do id "$who" >/dev/null 2>&1 && command -v runuser >/dev/null && { as=(runuser -u "$who" --); break; }; done
fi
if [ -z "$initdb" ] || ! has_driver 'PostgreSQL Unicode' || { [ "$(id -u)" = 0 ] && [ ${#as[@]} = 0 ]; }; then
    echo "skipped: PostgreSQL: postgresql or odbc-postgresql is not installed"
    finish
fi
bin=$(dirname "$initdb")
pg=$(mktemp -d "${TMPDIR:-/tmp}/andon-pg.XXXXXX")
[ ${#as[@]} = 0 ] || chown "$who" "$pg"
port=$(free_port)
pg_ctl() { (cd "$pg" && "${as[@]}" "$bin/pg_ctl" -D "$pg/data" -w -t 60 -l "$pg/log" "$@" >>"$pg.out" 2>&1); }
pg_start() { pg_ctl start -o "-p $port -k $pg -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=20"; }
pg_signal() {
    local first
    first=$(head -n 1 "$pg/data/postmaster.pid" 2>/dev/null) && kill -"$1" "$first" $(pgrep -P "$first") 2>/dev/null
}
ask_pg() { (cd "$pg" && "${as[@]}" "$bin/psql" -h "$pg" -p "$port" -U owner -d postgres -XAtq -c "$1"); }
"${as[@]}" "$initdb" -D "$pg/data" -U owner --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C --no-sync >"$pg.out" 2>&1
pg_start
ask_pg "CREATE ROLE line LOGIN PASSWORD 'ge;heim} ä'" >/dev/null
ask_pg "CREATE SCHEMA mes AUTHORIZATION line" >/dev/null
printf 'ge;heim} ä\n' >secret
chmod 600 secret
settings() { # TABLE [MORE]
    printf 'model: [parts]\noutbox:\n  sql:\n    odbc: "Driver=PostgreSQL Unicode;Server=127.0.0.1;Port=%s;Database=postgres"\n    user: line\n    password_file: secret\n    table: %s\n' \
        "$port" "$1" >sql.yaml
    printf '%s' "${2:-}" >>sql.yaml
}
kept() { ask_pg "SELECT id || '|' || verdict FROM mes.verdicts"; }

settings mes.verdicts
printf 'not it at all\n' >secret
start --config sql.yaml
warned "a wrong password" 'by sql: no connection to the database: .*password authentication failed'
stop
printf 'ge;heim} ä\n' >secret
settings public.verdicts
start --config sql.yaml
warned "a table that may not be made" 'by sql: .*does not exist.*permission denied'
stop
ask_pg "CREATE TABLE mes.other (id int); ALTER TABLE mes.other OWNER TO line" >/dev/null
settings mes.other
start --config sql.yaml
warned "a table with other columns" 'by sql: .*serial.*it needs id, serial, attempt'
stop
lacks "no message shows the password" 'ge;heim|not it at all' "$work/serve.err"

settings mes.verdicts $'    timeout_s: 2\n'
rm -f answered.txt
start --config sql.yaml
parts 50000 50100 answered.txt
delivered
same "in the table" "missing 0 wrong 0 twice 0" "$(kept | check)"
same "its columns" "t|t" "$(ask_pg "SELECT bool_and(attempt = 1 AND id = serial || '#1' AND decided LIKE '20__-__-__T%Z'),
    bool_and(verdict = 'test' OR (version = 1 AND model = 'parts' AND unapproved = 0 AND probability BETWEEN 0 AND 1)) FROM mes.verdicts")"
serial=$(ask_pg "SELECT serial FROM mes.verdicts WHERE probability IS NOT NULL ORDER BY serial LIMIT 1")
get "/api/parts/$serial"
same "a probability to the last bit" "$(json 'first(.. | objects | .probability // empty)')" "$(jq -n "$(ask_pg "SELECT probability FROM mes.verdicts WHERE serial = '$serial'")")"
ask_pg "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'line'" >/dev/null
parts 50100 50120 answered.txt
delivered
same "a connection that was cut" "missing 0 wrong 0 twice 0" "$(kept | check)"
pg_ctl stop -m immediate
parts 50120 50150 answered.txt
warned "a server that is away" '[0-9]+ verdicts wait to leave by sql'
pg_start
parts 50150 50170 answered.txt
delivered
same "and comes back" "missing 0 wrong 0 twice 0" "$(kept | check)"
unwarned "all is well again"

pg_signal STOP
parts 50170 50200 answered.txt
same "the line got its verdicts nonetheless" 30 "$(grep -cE '^P501[7-9][0-9] ' answered.txt)"
warned "a server that is frozen" 'by sql: .*(did not answer within 2 seconds|timeout expired)'
since=$SECONDS
stop
same "stopping does not wait for it for long: exit" 0 $code
is "seconds that took" $((SECONDS - since)) -lt 60
start --config sql.yaml
pg_signal CONT
delivered
same "and thaws" "missing 0 wrong 0 twice 0" "$(kept | check)"

ask_pg "BEGIN; LOCK TABLE mes.verdicts; SELECT pg_sleep(4); COMMIT" >/dev/null &
holder=$!
for i in $(seq 100); do [ "$(ask_pg "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted")" != 0 ] && break; sleep 0.05; done
parts 50200 50220 answered.txt
wait $holder
delivered
same "a locked table is waited for" "missing 0 wrong 0 twice 0" "$(kept | check)"

parts 51000 54000 answered.txt &
client=$!
for round in 1 2 3; do
    sleep 0.3
    pkill -9 -P "$server" || true
    ask_pg "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'line'" >/dev/null
done
kill -9 "$server"
wait "$server" $client 2>/dev/null
start --config sql.yaml
delivered
same "everything killed under load" "missing 0 wrong 0 twice 0" "$(kept | check)"
same "the queue is empty" 0 "$(sql .andon/parts.db 'SELECT COUNT(*) FROM outbox')"
stop
same "exit" 0 $code
lacks "no message shows the password" 'ge;heim' "$work/serve.err"
finish
