# test_package.sh - the archive and the Debian package on a machine that has nothing but a C library: no network, no libraries, no root.
. "$(dirname "$0")/lib.sh"
need readelf
need unshare
need ldd
build=$(dirname "$ANDON")
if ldd "$ANDON" | grep -qE 'lib(a|t|ub)san'; then skip "a program with sanitizers is not packed"; fi
readelf -d "$ANDON" | grep -q 'RPATH.*ORIGIN' || skip "this program does not look for libraries beside itself; tools/package would link it again"

cd "$work" || exit 1
# as root of a namespace of its own where this user may not do it otherwise
alone=(unshare -nm)
unshare -nm true 2>/dev/null || alone=(unshare -rnm)
"${alone[@]}" true 2>/dev/null || skip "this machine allows no namespaces"

ok "pack" "$ANDON_SOURCE/tools/package" "$build" "$work/packed"
archive=$(grep 'tar.gz$' "$out") deb=$(grep 'deb$' "$out")
same "an archive is there" 1 "$(find packed -name '*.tar.gz' | wc -l)"
ok "pack again" "$ANDON_SOURCE/tools/package" "$build" "$work/again"
same "the same bytes" "$(sha256sum <"$archive")" "$(sha256sum <"$work/again/$(basename "$archive")")"

# a root with the loader and the C library, which every Linux has, and the archive
box() { # FOLDER: files of the C library
    local file
    mkdir -p "$1/tmp" "$1/dev" "$1/bin" "$1/proc"
    for file in $(ldd /bin/sh "$ANDON" | grep -oE '/[^ ]*/(ld-linux[^ ]*|libc\.so\.6|libm\.so\.6)' | sort -u); do
        mkdir -p "$1$(dirname "$file")"
        cp -L "$file" "$1$file"
    done
    cp -L /bin/sh "$1/bin/sh"
    : >"$1/dev/null"
}
inside() { # FOLDER WORDS...: in that root, without a network but the machine's own loop; the loader learns from /proc where the program lies
    "${alone[@]}" sh -c 'command -v ip >/dev/null && ip link set lo up; mount --rbind /proc "$1/proc" && exec chroot "$@"' sh "$@"
}
box root
mkdir root/opt
tar xzf "$archive" -C root/opt
name=$(basename "$archive" .tar.gz)
status "the box has no libraries of its own" 127 inside root /bin/sh -c "cp /bin/sh /tmp/x"
ok "it starts" inside root "/opt/$name/bin/andon" --version
same "as the program that was packed" "$("$ANDON" --version)" "$(cat "$out")"
ok "a workspace" inside root "/opt/$name/bin/andon" init /tmp/ws
table 400 60 >root/tmp/plain.csv
ok "data" inside root "/opt/$name/bin/andon" data import parts /tmp/plain.csv --target broken --workspace /tmp/ws
ok "training" inside root "/opt/$name/bin/andon" model train parts --data parts --workspace /tmp/ws
ok "a verdict" inside root "/opt/$name/bin/andon" model predict parts --in /tmp/plain.csv --out /tmp/verdicts.csv --workspace /tmp/ws
same "on every row" 401 "$(wc -l <root/tmp/verdicts.csv)"
if command -v ip >/dev/null; then
    ok "the demo, which ends with a request over HTTP" inside root "/opt/$name/bin/andon" demo gearbox /tmp/demo --rows 300 --repeats 1 --quiet
    says "and with the lines to type" "^ *curl .*@/tmp/demo/part.json$"
fi
readelf -d "root/opt/$name/bin/andon" >"$out"
same "it looks for libraries beside itself and nowhere else, above all not in the current folder" '[$ORIGIN/../lib]' "$(sed -n 's/.*(RPATH).*\(\[.*\]\)$/\1/p' "$out")"
says "its man page" '^\.TH' "root/opt/$name/share/man/man1/andon.1"
says "the licences of what it brings are there" "[Cc]opyright" "root/opt/$name/share/doc/andon/licenses/libjansson4"
if [ "$(find "root/opt/$name" -perm -o+w ! -type l | wc -l)" = 0 ]; then pass "nothing is writable for everyone"; else fail "nothing is writable for everyone"; fi

if [ -n "$deb" ]; then
    box installed
    ok "the Debian package unpacks" dpkg-deb -x "$deb" installed
    ok "and starts by its link in /usr/bin" inside installed /usr/bin/andon --version
    dpkg-deb -f "$deb" Depends >"$out"
    says "needs the C library and what makes users, which every Debian has" '^libc6 \(>= 2\.[0-9]+\), passwd$'
    same "settings are a conffile" /etc/andon/serve.yaml "$(dpkg-deb -I "$deb" conffiles)"
    same "the service is the one of deploy/" "$(sha256sum <"$ANDON_SOURCE/deploy/systemd/andon-serve.service")" "$(sha256sum <installed/usr/lib/systemd/system/andon-serve.service)"
    dpkg-deb -e "$deb" control
    for script in postinst prerm postrm; do ok "$script is a shell script" sh -n "control/$script"; done
    (cd installed && md5sum --quiet -c ../control/md5sums) >"$out" 2>&1 && pass "its sums hold" || fail "its sums hold"
    if command -v lintian >/dev/null; then
        lintian --allow-root --fail-on error "$deb" >"$out" 2>"$err" && pass "lintian finds no error" || fail "lintian finds no error"
    else
        echo "skipped: lintian is not installed"
    fi
    # put in, taken over by a newer one, taken out: in the bare root, whose package database is made for it; scripts of the package run outside of it only
    # where dpkg could really make a user, so they are left out here
    if [ "$(id -u)" = 0 ] && command -v dpkg >/dev/null; then
        db=$work/db
        mkdir -p "$db/updates" "$db/info" "$work/target"
        : >"$db/status"
        : >"$db/available"
        debian() { dpkg --admindir="$db" --instdir="$work/target" --force-depends --force-not-root --force-script-chrootless --force-confold --log=/dev/null "$@"; }
        dpkg-deb -R "$deb" old
        sed -i 's/^Version: .*/Version: 0.0.1/' old/DEBIAN/control
        printf '#!/bin/sh\nexit 0\n' | tee old/DEBIAN/postinst old/DEBIAN/prerm old/DEBIAN/postrm >/dev/null
        dpkg-deb --root-owner-group -b old old.deb >/dev/null
        sed -i "s/^Version: .*/Version: $(dpkg-deb -f "$deb" Version)/" old/DEBIAN/control
        echo "# of the newer version" >>old/etc/andon/serve.yaml
        dpkg-deb --root-owner-group -b old new.deb >/dev/null
        ok "dpkg installs it" debian -i old.deb
        echo "# mine" >>target/etc/andon/serve.yaml
        ok "a newer one over it" debian -i new.deb
        same "its version is known" "$(dpkg-deb -f "$deb" Version)" "$(dpkg-query --admindir="$db" -W -f '${Version}' andon)"
        says "settings that were changed stay" "^# mine$" target/etc/andon/serve.yaml
        ok "dpkg takes it out" debian -P andon
        if [ -z "$(find target -type f)" ]; then pass "and nothing is left"; else fail "and nothing is left" "$(find target -type f | head -n 3)"; fi
    fi
fi
finish
