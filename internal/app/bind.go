package app

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"

	"github.com/lunette-waf/lunette/internal/config"
)

// bindFault says why nothing can listen on address, and where that stands in the configuration: key. The cause is read
// from the errno.
func bindFault(cfg *config.Config, key, address string, err error) config.Fault {
	host, port, _ := net.SplitHostPort(address)
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		if other := sharesPort(cfg, key, port); other != "" {
			return cfg.Fault(key, fmt.Sprintf("%s is in use, by %s or by another process", address, other),
				"an address such as :"+port+" takes the port of every address; see: "+whoListens(port))
		}
		return cfg.Fault(key, address+" is in use by another process", "see: "+whoListens(port))
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return cfg.Fault(key, "not allowed to listen on "+address,
			"ports below 1024 need a privilege: setcap cap_net_bind_service=+ep on the binary, or a systemd socket (docs/operations.md)")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return cfg.Fault(key, host+" is no address of this machine", "ip -br addr lists them; :"+port+" is every one of them")
	case errors.As(err, &dns):
		return cfg.Fault(key, fmt.Sprintf("%s does not resolve: %s", host, dns.Err), "write an address, or :"+port+" for every one of the machine")
	}
	return cfg.Fault(key, fmt.Sprintf("cannot listen on %s: %v", address, err), "")
}

// sharesPort returns the first other key that listens on the same port, "" without one.
func sharesPort(cfg *config.Config, key, port string) string {
	same := func(other, address string) bool {
		_, p, _ := net.SplitHostPort(address)
		return other != key && p == port && port != "0"
	}
	for i := range cfg.Listen {
		if other := addressKey(i); same(other, cfg.Listen[i].Address) {
			return other
		}
	}
	if same("admin.address", cfg.Admin.Address) {
		return "admin.address"
	}
	return ""
}

func addressKey(listener int) string { return fmt.Sprintf("listen[%d].address", listener) }

// whoListens is the command that names the process on a port.
func whoListens(port string) string {
	switch runtime.GOOS {
	case "linux":
		return "ss -ltnp 'sport = :" + port + "'"
	case "windows":
		return "netstat -ano -p tcp"
	}
	return "lsof -nP -iTCP:" + port + " -sTCP:LISTEN"
}

// together joins errors. The faults among them become one report.
func together(errs ...error) error {
	var faults config.Faults
	var rest []error
	for _, err := range errs {
		var fs config.Faults
		if errors.As(err, &fs) {
			faults = append(faults, fs...)
		} else if err != nil {
			rest = append(rest, err)
		}
	}
	if len(faults) > 0 && len(rest) == 0 {
		return faults
	}
	if len(faults) > 0 {
		rest = append(rest, errors.New(strings.TrimRight(faults.String(), "\n")))
	}
	return errors.Join(rest...)
}
