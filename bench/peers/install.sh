#!/bin/sh
# Fetches the peers of the benchmark, and says what it does. Debian's packages
# are unpacked into peers/.debian and not installed: no service is started, and
# removing the folder removes them. Only the empty folder /var/lib/nginx is made,
# which Nchan insists on whatever its configuration says.
set -eu
cd "$(dirname "$0")"

unpack() {
	echo "peers: unpacking $* and what they need into bench/peers/.debian"
	if ! list=$(apt-get install --simulate --no-install-recommends "$@" 2>/dev/null); then
		apt-get update -qq
		list=$(apt-get install --simulate --no-install-recommends "$@")
	fi
	missing=$(echo "$list" | awk '/^Inst/ { print $2 }')
	rm -rf .debian/archives
	mkdir -p .debian/archives
	[ "$(id -u)" != 0 ] || chown _apt .debian/archives 2>/dev/null || true
	# What is installed already is fetched too where it was named: the harness looks in one place.
	# shellcheck disable=SC2086
	(cd .debian/archives && apt-get download -qq "$@" $missing)
	for deb in .debian/archives/*.deb; do
		dpkg-deb --extract "$deb" .debian
	done
	rm -rf .debian/archives
}

if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
	unpack nginx libnginx-mod-nchan && mkdir -p /var/lib/nginx || echo "peers: Nchan can't be had here; its rows will say so"
	unpack pushpin || echo "peers: Pushpin can't be had here; its rows will say so"
else
	echo "peers: no apt-get here, so neither Nchan nor Pushpin; their rows will say so"
fi

if command -v npm >/dev/null; then
	echo "peers: installing Socket.IO's packages into bench/peers/socketio/node_modules"
	(cd socketio && npm ci --no-audit --no-fund --loglevel=error) || echo "peers: Socket.IO can't be had here; its rows will say so"
else
	echo "peers: no npm here, so no Socket.IO; its rows will say so"
fi
