# test_serve_outbox_mariadb.sh - verdicts on parts to a MariaDB of the test's own, by ODBC: the table it is made as, every letter, small and capital ones apart, a server
# that is stopped and connections that are cut.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
export PATH=$PATH:/usr/sbin
for tool in mariadbd mariadb-install-db mariadb; do need $tool; done
[ -n "$(find /lib /usr/lib /usr/local/lib -name 'libodbc.so.2' 2>/dev/null | head -n 1)" ] || skip "no ODBC driver manager (unixodbc)"
grep -q '^\[MariaDB Unicode\]' "${ODBCSYSINI:-/etc}/odbcinst.ini" 2>/dev/null || skip "no ODBC driver (odbc-mariadb)"
as=()
if [ "$(id -u)" = 0 ]; then
    id mysql >/dev/null 2>&1 || skip "no user mysql"
    as=(--user=mysql)
fi
database=$(mktemp -d "${TMPDIR:-/tmp}/andon-my.XXXXXX") daemon=''
clean_up() {
    for p in "$server" "$daemon"; do [ -n "$p" ] && kill -9 "$p" 2>/dev/null; done
    rm -rf "$database"
}
. "$tests/outbox.sh"
[ ${#as[@]} = 0 ] || chown mysql "$database"
port=$(free_port)
ask_db() { mariadb --no-defaults --default-character-set=utf8mb4 -S "$database/s" -u root -N -B -e "$1" "${@:2}"; }
db_start() {
    mariadbd --no-defaults --datadir="$database/data" --socket="$database/s" --port="$port" --bind-address=127.0.0.1 "${as[@]}" >"$database/log" 2>&1 &
    daemon=$!
    local i
    for i in $(seq 300); do ask_db 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done
}
db_stop() {
    kill "$daemon"
    wait "$daemon" 2>/dev/null
    daemon=''
}
mariadb-install-db --no-defaults --datadir="$database/data" --auth-root-authentication-method=normal --skip-test-db "${as[@]}" >"$database/install.log" 2>&1
db_start
ask_db "CREATE DATABASE mes; CREATE USER line@127.0.0.1 IDENTIFIED BY 'ge;heim}'; GRANT SELECT, INSERT, CREATE ON mes.* TO line@127.0.0.1" || skip "MariaDB does not start here"
echo 'ge;heim}' >secret
printf 'model: [parts]\noutbox:\n  sql:\n    odbc: "Driver=MariaDB Unicode;Server=127.0.0.1;Port=%s;Database=mes"\n    user: line\n    password_file: secret\n' "$port" >sql.yaml
start --config sql.yaml
kept() {
    ask_db 'SELECT serial, verdict FROM verdicts' mes >rows
    "$PYTHON" -c 'answered = dict(line.split() for line in open("answered.txt"))
rows = [line.split("\t") for line in open("rows").read().splitlines()]
kept = dict(rows)
print("missing", sum(s not in kept for s in answered), "wrong", sum(kept.get(s, v) != v for s, v in answered.items()), "twice", len(rows) - len(kept))'
}
parts 0 100 answered.txt
delivered
same "in the table" "missing 0 wrong 0 twice 0" "$(kept)"
for serial in A a %C3%84-%E6%97%A5%E6%9C%AC-%F0%9F%98%80; do
    answers "part $serial" 200 "/api/parts/$serial" -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
done
delivered
same "every letter, and small ones are not capital ones" '1 1 1' "$(for id in A#1 a#1 'Ä-日本-😀#1'; do ask_db "SELECT COUNT(*) FROM verdicts WHERE id = '$id'" mes; done | xargs)"
ask_db 'SELECT id FROM information_schema.processlist WHERE user = "line"' | while read -r id; do ask_db "KILL $id"; done
parts 100 120 answered.txt
delivered
same "a connection that was cut" "missing 0 wrong 0 twice 0" "$(kept)"
db_stop
parts 120 150 answered.txt
warned "a server that is away" '[0-9]+ verdicts wait to leave by sql: '
db_start
parts 150 170 answered.txt
delivered
same "and comes back" "missing 0 wrong 0 twice 0" "$(kept)"
unwarned "all is well again"
stop
same "exit" 0 $code
lacks "no message shows the password" 'ge;heim' "$work/serve.err"
db_stop
finish
