package app

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// openSocket returns a socket for a configured address: one that systemd handed over, that of a listener which leaves
// because its other properties changed, or a new one.
func (a *App) openSocket(address string, leaving map[string]*running) (net.Listener, error) {
	if s := a.takeInherited(address); s != nil {
		return s, nil
	}
	for _, r := range leaving {
		if r.address == address {
			return share(r.socket)
		}
	}
	return net.Listen("tcp", address)
}

// share returns a second handle of a listening socket. Clients that wait in its queue are not lost, and the listener
// that has the first one goes on if nothing comes of the second.
func share(l net.Listener) (net.Listener, error) {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.New("share its socket: not TCP; restart to change this listener")
	}
	f, err := t.File()
	if err != nil {
		return nil, fmt.Errorf("share its socket: %w; restart to change this listener", err)
	}
	defer func() { _ = f.Close() }()
	return net.FileListener(f)
}

// inheritedListeners returns the sockets of a systemd .socket unit (socket activation), in their order.
func inheritedListeners() ([]net.Listener, error) {
	ls, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over sockets from systemd: %w", err)
	}
	var out []net.Listener
	for _, l := range ls {
		if l != nil {
			out = append(out, l)
		}
	}
	return out, nil
}

// takeInherited returns the inherited socket for a configured address, nil without.
func (a *App) takeInherited(address string) net.Listener {
	for i, l := range a.inherited {
		if sameAddress(l.Addr().String(), address) {
			a.inherited = append(a.inherited[:i], a.inherited[i+1:]...)
			return l
		}
	}
	return nil
}

// sameAddress compares a socket's address with a configured one, whose host may be empty for every address.
func sameAddress(socket, configured string) bool {
	sh, sp, err1 := net.SplitHostPort(socket)
	ch, cp, err2 := net.SplitHostPort(configured)
	if err1 != nil || err2 != nil || sp != cp {
		return false
	}
	any := func(h string) bool { return h == "" || h == "::" || h == "0.0.0.0" }
	return sh == ch || (any(sh) && any(ch))
}
