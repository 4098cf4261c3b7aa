package tlspeer

import (
	"errors"
	"io"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxPending bounds handshake bytes that are not consumed yet.
const maxPending = tlswire.MaxMessage

// Read returns application data; a HelloRequest on the way is answered as Config.OnHelloRequest says.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	for len(c.app) == 0 {
		if err := c.record(); err != nil {
			return 0, err
		}
		for {
			m := c.pending()
			if m == nil {
				break
			}
			if err := c.unasked(m); err != nil {
				return 0, err
			}
		}
	}
	n := copy(p, c.app)
	c.app = c.app[n:]
	return n, nil
}

// unasked handles a handshake message between handshakes.
func (c *Conn) unasked(m []byte) error {
	if c.t13 != nil {
		return c.unasked13(m)
	}
	if !c.client || m[0] != tlswire.MsgHelloRequest {
		return c.fail(tlswire.AlertUnexpectedMessage)
	}
	switch c.cfg.OnHelloRequest {
	case Comply:
		return c.clientHandshake()
	case Refuse:
		return c.sendAlert(tlswire.AlertWarning, tlswire.AlertNoRenegotiation)
	}
	return nil
}

// message returns the next handshake message, header included. Application data that comes first is kept, up to appLimit
// bytes in all. The slice is the caller's.
func (c *Conn) message(appLimit int) ([]byte, error) {
	for {
		if m := c.pending(); m != nil {
			return m, nil
		}
		if len(c.app) > appLimit {
			return nil, ErrReadAhead
		}
		if err := c.record(); err != nil {
			return nil, err
		}
	}
}

// pending takes the first whole message off the handshake bytes, nil when there is none.
func (c *Conn) pending() []byte {
	if len(c.msgs) < tlswire.MessageHeaderLen {
		return nil
	}
	n := tlswire.MessageHeaderLen + (int(c.msgs[1])<<16 | int(c.msgs[2])<<8 | int(c.msgs[3]))
	if len(c.msgs) < n {
		return nil
	}
	m := append([]byte(nil), c.msgs[:n]...)
	c.msgs = c.msgs[n:]
	return m
}

// record reads one record and files what it holds. Its error is final but for a timeout.
func (c *Conn) record() error {
	if c.readErr != nil {
		return c.readErr
	}
	err := c.readRecord()
	var t interface{ Timeout() bool }
	if err != nil && (!errors.As(err, &t) || !t.Timeout()) {
		var a *AlertError
		if !errors.As(err, &a) || a.Level == tlswire.AlertFatal {
			c.readErr = err
		}
	}
	return err
}

func (c *Conn) readRecord() error {
	if err := c.fill(tlswire.RecordHeaderLen); err != nil {
		return err
	}
	typ, version := c.raw[0], uint16(c.raw[1])<<8|uint16(c.raw[2])
	clear := c.in == nil || c.version == tlswire.VersionTLS13 && typ != tlswire.TypeApplicationData // RFC 8446 section 5.1
	n := int(c.raw[3])<<8 | int(c.raw[4])
	if typ < tlswire.TypeChangeCipherSpec || typ > tlswire.TypeApplicationData || c.raw[1] != 3 || n > tlswire.MaxRecordPayload {
		return tlswire.ErrNotTLS
	}
	if err := c.fill(tlswire.RecordHeaderLen + n); err != nil {
		return err
	}
	plain := c.raw[tlswire.RecordHeaderLen : tlswire.RecordHeaderLen+n]
	rest := c.raw[tlswire.RecordHeaderLen+n:]
	if !clear {
		opened, inner, err := c.in.OpenRecord(nil, typ, version, plain)
		if err != nil {
			return c.fail(tlswire.AlertBadRecordMAC)
		}
		plain, typ = opened, inner
	}
	err := c.file(typ, plain)
	c.raw = c.raw[:copy(c.raw, rest)]
	return err
}

func (c *Conn) file(typ uint8, plain []byte) error {
	switch typ {
	case tlswire.TypeHandshake:
		if len(c.msgs)+len(plain) > maxPending {
			return c.fail(tlswire.AlertDecodeError)
		}
		c.msgs = append(c.msgs, plain...)
	case tlswire.TypeApplicationData:
		if !c.done {
			return c.fail(tlswire.AlertUnexpectedMessage)
		}
		c.app = append(c.app, plain...)
	case tlswire.TypeChangeCipherSpec:
		if c.version == tlswire.VersionTLS13 {
			return nil // RFC 8446 appendix D.4
		}
		if c.nextIn == nil || len(c.msgs) > 0 {
			return c.fail(tlswire.AlertUnexpectedMessage)
		}
		c.in, c.nextIn = c.nextIn, nil
	case tlswire.TypeAlert:
		return c.alert(plain)
	}
	return nil
}

func (c *Conn) alert(plain []byte) error {
	a, ok := tlswire.ParseAlert(plain)
	switch {
	case !ok:
		return c.fail(tlswire.AlertDecodeError)
	case a.Number == tlswire.AlertCloseNotify:
		return io.EOF
	case a.Level == tlswire.AlertFatal || c.version == tlswire.VersionTLS13 && a.Number != tlswire.AlertUserCanceled || a.Number == tlswire.AlertNoRenegotiation:
		return &AlertError{Alert: a}
	}
	return nil
}

// fill reads until raw holds n bytes; a timeout loses nothing.
func (c *Conn) fill(n int) error {
	for len(c.raw) < n {
		if cap(c.raw)-len(c.raw) < tlswire.MaxRecordPayload {
			grown := make([]byte, len(c.raw), 2*(tlswire.RecordHeaderLen+tlswire.MaxRecordPayload))
			copy(grown, c.raw)
			c.raw = grown
		}
		got, err := c.nc.Read(c.raw[len(c.raw):cap(c.raw)])
		c.raw = c.raw[:len(c.raw)+got]
		if err != nil && len(c.raw) < n {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// Write sends application data.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	if err := c.writeRecords(tlswire.TypeApplicationData, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *Conn) writeRecords(typ uint8, payload []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.writeLocked(typ, payload)
}

func (c *Conn) writeLocked(typ uint8, payload []byte) error {
	var out []byte
	version := min(c.version, tlswire.VersionTLS12)
	if version == 0 {
		version = tlswire.VersionTLS10
	}
	for first := true; first || len(payload) > 0; first = false {
		n := min(len(payload), tlswire.MaxPlaintext)
		if c.out == nil {
			out, payload = tlswire.AppendRecord(out, typ, version, payload[:n]), payload[n:]
			continue
		}
		sealed, err := c.out.Seal(out, typ, payload[:n])
		if err != nil {
			return err
		}
		out, payload = sealed, payload[n:]
	}
	_, err := c.nc.Write(out)
	return err
}

// switchOut sends ChangeCipherSpec and then messages under the new keys.
func (c *Conn) switchOut(messages []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if err := c.writeLocked(tlswire.TypeChangeCipherSpec, []byte{1}); err != nil {
		return err
	}
	c.out, c.nextOut = c.nextOut, nil
	return c.writeLocked(tlswire.TypeHandshake, messages)
}

func (c *Conn) sendAlert(level, number uint8) error {
	return c.writeRecords(tlswire.TypeAlert, tlswire.AppendAlert(nil, tlswire.Alert{Level: level, Number: number}))
}

// fail sends a fatal alert and returns it as the error.
func (c *Conn) fail(number uint8) error {
	_ = c.sendAlert(tlswire.AlertFatal, number)
	c.readErr = &AlertError{Alert: tlswire.Alert{Level: tlswire.AlertFatal, Number: number}, Sent: true}
	return c.readErr
}

// Alert sends an alert as it is told to: for faults.
func (c *Conn) Alert(level, number uint8) error { return c.sendAlert(level, number) }
