package origin

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	pieceSize    = 32 << 10        // bytes of body that are on their way at once
	expectOver   = 48 << 10        // bodies above this are announced to an origin that may renegotiate
	continueWait = 1 * time.Second // how long we hold a body back for a 100
)

// mayRenegotiate reports whether the origin may send a HelloRequest on c that we would answer.
func (c *conn) mayRenegotiate() bool { return c.old() && c.o.cfg.TLS.Renegotiation != "never" }

// heavy reports whether the body of req could meet a HelloRequest in flight: IIS buffers 48 KiB, mod_ssl 128 KiB, and
// past that the one deadlocks and the other answers 413.
func heavy(req *exchange.Request) bool {
	return req.Length == exchange.Chunked || req.Length > expectOver
}

// send writes the request. What does not fit into the first write follows from a goroutine, while the answer is read:
// an origin may answer, or renegotiate, before it has read everything.
func (k *call) send(ctx context.Context) *reason.Error {
	c, req := k.c, k.req
	bp := c.o.bufs.Get().(*[]byte)
	defer c.o.bufs.Put(bp)
	k.announced = !c.reused && !k.silent && heavy(req) && c.mayRenegotiate()
	buf, err := httpwire.AppendRequestWith((*bp)[:0], req, httpwire.RequestOptions{
		Expect: k.announced, Trailers: req.Header.HasToken("TE", "trailers"),
	})
	if err != nil {
		return reason.Of(err)
	}
	*bp = buf[:0]
	complete := req.Length == 0
	var sent int64
	if !complete && !k.announced {
		k.begun.Store(true)
		buf, sent, complete, err = k.firstPiece(buf)
		*bp = buf[:0]
		if err != nil {
			return uploadFault(ctx, err)
		}
	}
	if r := k.write(ctx, buf, c.o.now()); r != nil {
		return r
	}
	if complete {
		c.turn(k.x, exchange.TurnOrigin)
		now := c.o.now()
		k.attempt().Write = now.Sub(k.start)
		k.await(now)
		return nil
	}
	c.turn(k.x, exchange.TurnOurs)
	k.up = newUpload(ctx, k, sent)
	k.await(k.start)
	go k.up.run()
	return nil
}

// firstPiece appends the first piece of the body, framed, to buf.
func (k *call) firstPiece(buf []byte) (out []byte, sent int64, complete bool, err error) {
	req := k.req
	if req.Length > 0 && cap(buf)-len(buf) >= 1024 { // read straight behind the head
		n, err := req.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil && err != io.EOF {
			return buf, 0, false, err
		}
		err = lengthHeld(req.Length, int64(n), err == io.EOF)
		return buf, int64(n), int64(n) == req.Length, err
	}
	bp := k.c.o.bufs.Get().(*[]byte)
	defer k.c.o.bufs.Put(bp)
	p := (*bp)[:pieceSize]
	n, err := req.Body.Read(p)
	if err != nil && err != io.EOF {
		return buf, 0, false, err
	}
	buf, complete, err = frame(buf, p[:n], req, int64(n), err == io.EOF)
	return buf, int64(n), complete, err
}

// errLength says that a request body is not as long as its head promised; sent as it is, it would be another request.
var errLength = errors.New("send request body: not as long as its Content-Length")

func lengthHeld(length, sent int64, eof bool) error {
	if sent > length || (eof && sent < length) {
		return reason.New(reason.UsInternal, "request body of "+itoa(int(sent))+" bytes, announced as "+itoa(int(length)), errLength)
	}
	return nil
}

// frame appends a piece of body as it goes on the wire; sent counts it in.
func frame(buf, p []byte, req *exchange.Request, sent int64, eof bool) (out []byte, complete bool, err error) {
	if req.Length >= 0 {
		return append(buf, p...), sent == req.Length, lengthHeld(req.Length, sent, eof)
	}
	if len(p) > 0 {
		buf = httpwire.AppendChunk(buf, p)
	}
	if eof {
		buf, err = httpwire.AppendLastChunk(buf, req.Body.Trailer())
	}
	return buf, eof, err
}

// write sends b before the write timeout.
func (k *call) write(ctx context.Context, b []byte, now time.Time) *reason.Error {
	c := k.c
	c.writeBy(k.deadline(now, c.o.cfg.Timeouts.Write))
	c.turn(k.x, exchange.TurnTaking)
	if _, err := c.put(b); err != nil {
		if r := ended(ctx); r != nil {
			return r
		}
		r := c.ioError(reason.PhaseWrite, err)
		if r.Code == reason.WriteTimeout && k.overTotal() {
			return k.tooLong(err)
		}
		if c.reused && (r.Code == reason.WriteReset || r.Code == reason.WriteEOF) && c.tap.received.Load() == k.recv0 {
			r.Code = reason.ReadStaleReusedConnection
		}
		return r
	}
	return nil
}

// put writes b. While a renegotiation begins, crypto/tls lets a Write that waits for its turn fail without having written anything; it
// waits for the end of the handshake when it is called again. Every other fault is for good: it comes once more.
func (c *conn) put(b []byte) (n int, err error) {
	n, err = c.nc.Write(b)
	for tries := int32(0); err != nil && n == 0 && tries < c.tap.renegs.Load() && c.tap.unwritten.Load() == nil; tries++ {
		n, err = c.nc.Write(b)
	}
	return n, err
}

func uploadFault(ctx context.Context, err error) *reason.Error {
	if r := ended(ctx); r != nil {
		return r
	}
	return reason.FromNet(err, reason.PhaseClientRead)
}
