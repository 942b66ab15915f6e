# test_serve_tls.sh - HTTPS whose certificate is renewed while the server runs: new connections get the new one, old ones go on, a pair that does not fit is not taken,
# and health says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
need openssl
workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts
certificate() { # NAME DAYS
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1-key.pem" -out "$1.pem" -days "$2" -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
}
for name in first second third; do certificate $name 30; done
certificate soon 3
use() { # NAME [SUFFIX...]: as those who renew certificates do: whole files, renamed
    local suffix
    for suffix in "${@:2}"; do
        cp "$1$suffix" new.tmp
        mv new.tmp "used$suffix"
    done
}
until_trusted() { # NAME: a new connection gets this certificate
    local i
    for i in $(seq 300); do
        curl -sf -o /dev/null --cacert "$1.pem" "$url/health" && break
        sleep 0.1
    done
    get /health --cacert "$1.pem"
    same "$1: new connections get it" 200 "$code"
}
until_warned() { # NAME REGEX TRUSTED
    local i
    for i in $(seq 300); do
        get /v2/health/ready --cacert "$3.pem"
        jq -e --arg wanted "$2" '.warnings // [] | any(test($wanted))' "$out" >/dev/null 2>&1 && break
        sleep 0.1
    done
    holds "$1" ".ready == true and (.warnings | any(test(\"$2\")))"
}

use first .pem -key.pem
: >"$work/url"
$A serve --model parts --unapproved --port 0 --cert used.pem --key used-key.pem >"$work/url" 2>"$work/serve.err" &
server=$!
for i in $(seq 600); do [ -s "$work/url" ] && break; sleep 0.05; done
url=$(head -n 1 "$work/url")
until_trusted first
get /v2/health/ready --cacert first.pem
holds "nothing to warn of" '.ready == true and (.warnings | length) == 0'

# a client that keeps its connection: one request for each line on its stdin
coproc client { "$PYTHON" -u -c '
import http.client, ssl, sys
host = sys.argv[1].split("//")[1]
c = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile="first.pem"), timeout=20)
c.connect()
c.auto_open = 0
for _ in iter(sys.stdin.readline, ""):
    c.request("GET", "/health")
    r = c.getresponse()
    r.read()
    print(r.status, flush=True)
' "$url"; }
client_pid=$!
clean_up() {
    [ -n "$server" ] && kill -9 $server 2>/dev/null
    kill "$client_pid" 2>/dev/null
}
old() {
    local reply=''
    echo ask >&"${client[1]}" && read -r -t 30 reply <&"${client[0]}"
    same "$1: the connection from before goes on" 200 "$reply"
}
old "before"

use second .pem -key.pem
until_trusted second
get /health --cacert first.pem
same "nobody gets the old one any more" 000 "$code"
old "renewed"
answers "verdicts" 200 /api/models/parts/predict --cacert second.pem -d '{"torque":5.5,"angle":41,"force":2,"kind":"A"}'

use third -key.pem
until_warned "a key that does not fit is told" 'the old one goes on: cannot use the key' second
until_trusted second
use third .pem
until_trusted third
get /v2/health/ready --cacert third.pem
holds "nothing to warn of any more" '.ready == true and (.warnings | length) == 0'
old "twice renewed"

rm used.pem
until_warned "a file that is gone is told" 'cannot read the certificate' third
use soon .pem -key.pem
until_trusted soon
until_warned "one that ends soon is told" 'expires in [0-9]+ hours' soon
old "in the end"
exec {client[1]}>&-
stop
same "exit" 0 $code
finish
