#!/usr/bin/env bash
# Installs the real servers and tools that the tests run against, where it may: as root on a system with apt-get.
#
#   test/peers.sh          what make test needs
#   test/peers.sh bench    and what make bench needs
#
# Says on standard error what it did. Prints "required" when everything is there (tests then fail rather than skip
# when a peer is missing) and "optional" when something is not (tests that need it skip and are named at the end).
set -euo pipefail

# Each line: what must be there (a program or a file), and the Debian packages that bring it.
wanted=(
  "apache2 apache2"
  "nginx nginx-light"
  "/usr/lib/nginx/modules/ngx_http_echo_module.so libnginx-mod-http-echo"
  "openssl openssl"
  "gnutls-serv gnutls-bin"
  "tshark tshark"
  "tcpdump tcpdump"
  "curl curl"
  "wget wget"
  "haproxy haproxy"
  "mitmdump mitmproxy"
  "caddy caddy"
  "ip iproute2"
  "nft nftables"
  "node nodejs"
  "java default-jre-headless"
  "/usr/share/tomcat10/bin/bootstrap.jar tomcat10-common"
  "gcc gcc libc6-dev"
)
if [ "${1:-}" = bench ]; then
  wanted+=("wrk wrk" "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so libnginx-mod-http-modsecurity")
fi

present() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" || [ -x "/usr/sbin/$1" ] ;; esac >/dev/null 2>&1; }

# missing lists the packages that are still wanted.
missing() {
  local line what packages
  for line in "${wanted[@]}"; do
    read -r what packages <<<"$line"
    present "$what" || echo "$packages"
  done
}

say() { echo "peers: $*" >&2; }

# install brings packages without starting their services: the tests start their own servers.
install_packages() {
  local guard=/usr/sbin/policy-rc.d made=
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard" && made=1
  fi
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get -q update || say "apt-get update failed, trying with the lists that are there"
    # All at once is quicker; one by one when one of them is not to be had.
    apt-get -q -y --no-install-recommends install "$@" ||
      for package; do apt-get -q -y --no-install-recommends install "$package" || true; done
  } </dev/null >&2
  [ -z "$made" ] || rm -f "$guard"
}

mapfile -t packages < <(missing | tr ' ' '\n')
if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing ${packages[*]}"
    install_packages "${packages[@]}"
    mapfile -t packages < <(missing | tr ' ' '\n')
  else
    say "not root on a system with apt-get, so nothing is installed"
  fi
fi
if [ "${#packages[@]}" -gt 0 ]; then
  say "missing: ${packages[*]}; the tests that need them are skipped"
  say "to install: apt-get install --no-install-recommends ${packages[*]}"
  echo optional
else
  echo required
fi
