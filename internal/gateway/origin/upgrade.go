package origin

import (
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// upgrade takes over a 101.
func (k *call) upgrade() *reason.Error {
	want := k.req.Upgrade
	got := k.resp.Header.Get("Upgrade")
	if want == "" || !exchange.EqualFold(want, got) {
		return reason.New(reason.HTTP1BadUpgrade, "the origin switched to "+got+" when "+orString(want, "nothing")+" was asked", nil)
	}
	k.attempt().Status = 101
	k.identity()
	k.answered = true
	k.c.turn(k.x, exchange.TurnOver) // what is silent behind it is nobody's fault
	k.c.readBy(time.Time{})
	k.c.writeBy(time.Time{})
	k.body.begin(0)
	k.resp.Body = &k.body
	k.resp.Upgraded = &upgraded{c: k.c}
	return nil
}

// upgraded is the byte stream behind a 101; the response's body still ends the exchange.
type upgraded struct{ c *conn }

func (u *upgraded) Read(p []byte) (int, error) {
	n, err := u.c.rd.Read(p)
	if err != nil && err != io.EOF {
		err = u.c.ioError(reason.PhaseBody, err)
	}
	return n, err
}

func (u *upgraded) Write(p []byte) (int, error) {
	if t := u.c.o.cfg.Timeouts.Write; t > 0 {
		u.c.writeBy(u.c.o.now().Add(t))
	}
	n, err := u.c.put(p)
	if err != nil {
		err = u.c.ioError(reason.PhaseWrite, err)
	}
	return n, err
}

// CloseWrite ends our direction; the origin's goes on.
func (u *upgraded) CloseWrite() error {
	if u.c.tls != nil {
		return u.c.tls.CloseWrite()
	}
	return u.c.raw.CloseWrite()
}

func (u *upgraded) Close() error { u.c.abort(); return nil }
