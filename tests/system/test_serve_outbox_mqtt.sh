# test_serve_outbox_mqtt.sh - verdicts on parts to a real broker (mosquitto) over TLS, with certificates on both sides; brokers that are restarted, that must not be
# trusted, or that do not trust; what is wrong is known before the first verdict.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
mosquitto=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto) || skip "mosquitto is not installed"
need openssl
broker='' listener=''
clean_up() {
    for p in "$server" "$broker" "$listener"; do [ -n "$p" ] && kill -9 "$p" 2>/dev/null; done
}
. "$tests/outbox.sh"

# ---- certificates: a CA; the broker's; one for another address; one that has expired; the client's; another CA ----------------------------------------------
printf '%s\n' '[ca]' 'default_ca = own' '[own]' 'database = index' 'serial = serial' 'new_certs_dir = .' 'default_md = sha256' 'policy = any' 'copy_extensions = copy' \
    'unique_subject = no' '[any]' 'commonName = supplied' >ca.conf
: >index
echo 1000 >serial
authority() { openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1-key.pem" -out "$1.pem" -days 30 -subj "/CN=$1" 2>/dev/null; }
authority ca
authority otherca
sign() { # NAME ALTERNATIVES [days or -startdate ... -enddate ...]
    openssl req -newkey rsa:2048 -nodes -keyout "$1-key.pem" -out "$1.csr" -subj "/CN=$1" -addext "subjectAltName=$2" 2>/dev/null
    openssl ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca-key.pem -in "$1.csr" -out "$1.pem" "${@:3}" 2>/dev/null
}
sign broker IP:127.0.0.1,DNS:localhost -days 30
sign elsewhere IP:127.0.0.2,DNS:elsewhere -days 30
sign expired IP:127.0.0.1 -startdate 20200101000000Z -enddate 20200201000000Z
sign client DNS:andon -days 30
is "certificates" -s client.pem

broker_start() { # PORT CERTIFICATE: with a certificate of the client's; PORT alone: without TLS
    {
        printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\n' "$1" "$PWD"
        [ "$(id -u)" = 0 ] && echo "user root"
        [ -n "${2:-}" ] && printf 'cafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\n' "$PWD/ca.pem" "$PWD/$2.pem" "$PWD/$2-key.pem"
    } >broker.conf
    "$mosquitto" -c broker.conf >broker.log 2>&1 &
    broker=$!
    local i
    for i in $(seq 200); do (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && break; sleep 0.05; done
}
broker_stop() {
    kill "$broker"
    wait "$broker" 2>/dev/null
    broker=''
}
listener_stop() {
    kill "$listener"
    wait "$listener" 2>/dev/null
    listener=''
}
settings() { printf 'model: [parts]\noutbox:\n  mqtt: {host: 127.0.0.1, port: %s, topic: plant/line1%s}\n' "$port" "${1:-}" >mqtt.yaml; }
both=', tls: {ca: ca.pem, cert: client.pem, key: client-key.pem}'

# ---- what must not work: known without any verdict -----------------------------------------------------------------------------------------------------------
port=$(free_port)
wrong() { # NAME CERTIFICATE-OF-THE-BROKER TLS-SETTINGS REGEX
    broker_start "$port" "$2"
    settings "$3"
    start --config mqtt.yaml
    warned "$1" "$4"
    stop
    same "$1: exit" 0 $code
    broker_stop
}
wrong "a broker of another authority" broker ', tls: {ca: otherca.pem, cert: client.pem, key: client-key.pem}' 'by mqtt: .*certificate is not trusted'
wrong "a broker that is not in the system's roots" broker ', tls: true' 'by mqtt: .*certificate is not trusted'
wrong "a broker with a certificate for another address" elsewhere "$both" 'by mqtt: .*IP address mismatch'
wrong "a broker whose certificate has expired" expired "$both" 'by mqtt: .*certificate has expired'
wrong "a broker that asks for a certificate" broker ', tls: {ca: ca.pem}' 'by mqtt: .*ask for a certificate'
wrong "a broker without TLS" '' "$both" 'by mqtt: .*no TLS connection.*speak TLS on this port'
wrong "a broker with TLS, a client without" broker '' 'by mqtt: .*TLS on this port'

# ---- what must: over restarts of both ------------------------------------------------------------------------------------------------------------------------
broker_start "$port" broker
"$PYTHON" "$tests/mqtt_listen.py" 127.0.0.1 "$port" 'plant/#' messages.jsonl ca.pem client.pem client-key.pem >listens 2>listener.err &
listener=$!
for i in $(seq 200); do [ -s listens ] && break; sleep 0.05; done
settings "$both"
start --config mqtt.yaml
unwarned "nothing to warn of"
parts 0 60 answered.txt
delivered
broker_stop
parts 60 90 answered.txt
warned "the broker is away" '30 verdicts wait to leave by mqtt: .*Connection refused'
: >listens
broker_start "$port" broker
for i in $(seq 200); do [ -s listens ] && break; sleep 0.05; done
if [ ! -s listens ]; then fail "the listener is back" "$(cat listener.err)"; fi
parts 90 120 answered.txt &
client=$!
sleep 0.2
kill -9 "$server"
wait "$server" $client 2>/dev/null
start --config mqtt.yaml
parts 120 150 answered.txt
delivered
unwarned "all is well again"
arrived() {
    "$PYTHON" - <<'END_OF_CHECK'
import json
answered = dict(line.split() for line in open("answered.txt"))
words = {m["id"]: m["verdict"] for _, _, m in map(json.loads, open("messages.jsonl"))}
print("missing", sum(s + "#1" not in words for s in answered), "wrong", sum(words.get(s + "#1", v) != v for s, v in answered.items()))
END_OF_CHECK
}
for i in $(seq 100); do [ "$(arrived 2>/dev/null)" = "missing 0 wrong 0" ] && break; sleep 0.1; done # the broker has them; the listener is told soon
same "every answered verdict came, over a broker that was restarted and a server that was killed" "missing 0 wrong 0" "$(arrived)"
is "there were some" "$(wc -l <answered.txt)" -ge 120
stop
same "exit" 0 $code
listener_stop

# ---- a client's certificate that is renewed, and a message that is kept ---------------------------------------------------------------------------------------
settings "$both, retain: true"
start --config mqtt.yaml
sign client DNS:andon -days 60
parts 200 201 answered.txt
delivered
broker_stop
parts 201 202 answered.txt
warned "the broker is away again" '1 verdicts wait to leave by mqtt'
broker_start "$port" broker
delivered
unwarned "with the renewed certificate"
rm -f messages.jsonl
"$PYTHON" "$tests/mqtt_listen.py" 127.0.0.1 "$port" 'plant/#' messages.jsonl ca.pem client.pem client-key.pem >listens 2>listener.err &
listener=$!
for i in $(seq 200); do grep -q true messages.jsonl 2>/dev/null && break; sleep 0.05; done
same "who comes later gets the last one, kept" 'plant/line1 true P201#1' "$(jq -r 'select(.[1]) | "\(.[0]) \(.[1]) \(.[2].id)"' messages.jsonl)"
stop
same "exit" 0 $code
listener_stop
broker_stop
finish
