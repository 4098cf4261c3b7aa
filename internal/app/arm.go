package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/admin"
	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/store"
)

// aliveEvery is how long a capture stays silent at most.
const aliveEvery = 5 * time.Second

// captures implements admin.Captures: it arms the flight recorder and tells what it sees.
type captures struct {
	recorder func() *flight.Recorder // nil where nothing is recorded
	graph    func() *graph
	log      *slog.Logger
	version  string
	audit    func(store.Audit) // nil for the log alone
	addrs    func() []string   // of listeners
	failed   failureHub

	mu      sync.Mutex
	running map[string]context.CancelFunc
}

func newCaptures(r func() *flight.Recorder, g func() *graph, log *slog.Logger, version string) *captures {
	return &captures{recorder: r, graph: g, log: log, version: version, running: map[string]context.CancelFunc{}}
}

// capture is one that runs.
type capture struct {
	c     *captures
	want  admin.CaptureWant
	host  hostWanted
	send  func(CaptureEvent) error
	conns map[uint64]bool // told of, and not over
	lost  func() int64
}

// Capture implements admin.Captures.
func (c *captures) Capture(ctx context.Context, want admin.CaptureWant, send func([]byte) error) error {
	head, err := c.head(&want)
	if err != nil {
		return err
	}
	leg := flight.OriginLeg
	if want.Client {
		leg = flight.ClientLeg
	}
	ctx, cancel := context.WithTimeout(ctx, want.Duration)
	defer cancel()
	ending, end := context.WithCancel(context.Background())
	defer end()
	c.mu.Lock()
	c.running[head.ID] = end
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.running, head.ID)
		c.mu.Unlock()
	}()
	failures := c.failed.listen()
	defer c.failed.leave(failures)
	armed := c.recorder().Arm(flight.Arm{Site: want.Site, Leg: leg})
	defer armed.Close()
	c.note(&want, head)
	one := capture{c: c, want: want, host: wantedHost(want.Host), conns: map[uint64]bool{},
		lost: func() int64 { return armed.Dropped() + failures.dropped.Load() },
		send: func(e CaptureEvent) error {
			b, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("encode event: %w", err)
			}
			return send(b)
		}}
	if err := one.send(head); err != nil {
		return err
	}
	why, err := one.run(ctx, ending, armed.Events(), failures.events)
	if err != nil {
		return err
	}
	if want.Recordings {
		for _, e := range c.recorder().Snapshot(flight.Arm{Site: want.Site, Leg: leg}) {
			if !one.conns[e.Taped.ConnID] {
				continue
			}
			if err := one.recording(e.Site, &e.Taped, e.Recording); err != nil {
				return err
			}
		}
	}
	return one.send(CaptureEvent{Event: CaptureEnd, At: time.Now(), Why: why, Dropped: one.lost()})
}

// EndCapture implements admin.Captures.
func (c *captures) EndCapture(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	end, ok := c.running[id]
	if ok {
		end()
	}
	return ok
}

// note writes down who looks.
func (c *captures) note(want *admin.CaptureWant, head CaptureEvent) {
	c.log.Info("a capture is armed: secrets of connections are handed out", "who", want.Who, "site", want.Site, "host", want.Host, "leg", head.Leg,
		"recordings", want.Recordings, "for_at_most", want.Duration.String())
	if c.audit == nil {
		return
	}
	of := want.Site
	if of == "" {
		of = want.Host
	}
	note := head.Leg + " leg, for at most " + want.Duration.String()
	if want.Recordings {
		note += ", with the bytes"
	}
	c.audit(store.Audit{At: head.At, Who: want.Who, What: "arm", Of: of, Note: note})
}

// run tells what comes until somebody ends it, and why that was.
func (o *capture) run(ctx, ending context.Context, events <-chan flight.ArmedEvent, failures <-chan CaptureEvent) (string, error) {
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) && !errors.Is(cause, context.Canceled) {
				return cause.Error(), nil
			}
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return "its time is over", nil
			}
			return "", context.Cause(ctx) // nobody listens any more
		case <-ending.Done():
			return "it was asked to", nil
		case e, ok := <-events:
			if !ok {
				return "the flight recorder was closed", nil
			}
			err = o.event(&e)
		case f := <-failures:
			if o.want.Site == "" || f.Site == o.want.Site {
				err = o.send(f)
			}
		case now := <-alive.C:
			err = o.send(CaptureEvent{Event: CaptureAlive, At: now, Dropped: o.lost()})
		}
		if err != nil {
			return "", err
		}
	}
}

// event tells one event of the recorder: whatever is new in it.
func (o *capture) event(e *flight.ArmedEvent) error {
	if !o.host.fits(&e.Taped) {
		return nil
	}
	id := e.Taped.ConnID
	if !o.conns[id] {
		o.conns[id] = true
		if err := o.send(openedEvent(CaptureOpened, e)); err != nil {
			return err
		}
	}
	if len(e.Secret) > 0 {
		if err := o.send(CaptureEvent{Event: CaptureSecret, At: time.Now(), Conn: id, Lines: string(e.Secret)}); err != nil {
			return err
		}
	}
	if !e.Closed {
		return nil
	}
	delete(o.conns, id)
	if err := o.recording(e.Site, &e.Taped, e.Recording); err != nil {
		return err
	}
	return o.send(CaptureEvent{Event: CaptureClosed, At: time.Now(), Conn: id})
}

func (o *capture) recording(site string, c *exchange.Taped, r *recording.Recording) error {
	if !o.want.Recordings || r == nil {
		return nil
	}
	return o.send(recordingEvent(site, c, r))
}

// head is the first event, after a look at the configuration whether there can be anything to see.
func (c *captures) head(want *admin.CaptureWant) (CaptureEvent, error) {
	g := c.graph()
	if c.recorder() == nil || g == nil {
		return CaptureEvent{}, &admin.Refusal{Status: http.StatusConflict, Text: "this gateway has no flight recorder"}
	}
	head := CaptureEvent{Event: CaptureArmed, At: time.Now(), ID: rand.Text(), Version: c.version, Leg: "origin", Recipients: g.cfg.Incidents.Recipients}
	if want.Client {
		head.Leg = "client"
	}
	found := false
	mode := flight.Off
	for i := range g.cfg.Sites {
		s := &g.cfg.Sites[i]
		if want.Site != "" && !slices.ContainsFunc(s.Names, func(n string) bool { return strings.EqualFold(n, want.Site) }) {
			continue
		}
		if want.Site != "" {
			want.Site, head.Site = s.Names[0], s.Names[0]
		}
		found = true
		mode = more(mode, modeOf(s, want.Client))
		head.Origins = append(head.Origins, originsOf(s)...)
	}
	if want.Client && c.addrs != nil {
		head.Listeners = c.addrs()
	}
	slices.Sort(head.Origins)
	head.Origins = slices.Compact(head.Origins)
	head.Bytes = mode == flight.Packets
	switch {
	case !found:
		return head, &admin.Refusal{Status: http.StatusNotFound, Text: fmt.Sprintf("no site has the name %q; there are %s", want.Site, strings.Join(firstNames(g.cfg), ", "))}
	case mode == flight.Off && want.Client:
		return head, &admin.Refusal{Status: http.StatusConflict, Text: "the client leg is not recorded: set flight_client: facts (or packets) for the site"}
	case mode == flight.Off:
		return head, &admin.Refusal{Status: http.StatusConflict, Text: "the origin leg is not recorded: set flight: facts (or packets) for the site"}
	}
	return head, nil
}

func modeOf(s *config.Site, client bool) flight.Mode {
	if client {
		return flight.Mode(s.FlightClient)
	}
	return flight.Mode(s.Flight)
}

// more is the mode that keeps more.
func more(a, b flight.Mode) flight.Mode {
	order := []flight.Mode{flight.Off, flight.Facts, flight.Packets}
	return order[max(slices.Index(order, a), slices.Index(order, b), 0)]
}

func originsOf(s *config.Site) []string {
	out := slices.Clone(s.Origin.URLs)
	for i := range s.Routes {
		out = append(out, s.Routes[i].Origin.URLs...)
	}
	return out
}

// firstNames are the names of sites, at most 20.
func firstNames(cfg *config.Config) []string {
	const most = 20
	var out []string
	for i := range cfg.Sites {
		if len(out) == most {
			return append(out, "…")
		}
		out = append(out, cfg.Sites[i].Names[0])
	}
	return out
}

// hostWanted is a host as somebody names it: a name or an address, perhaps with a port.
type hostWanted struct{ name, port string }

func wantedHost(s string) hostWanted {
	if h, p, err := net.SplitHostPort(s); err == nil {
		return hostWanted{strings.ToLower(h), p}
	}
	return hostWanted{name: strings.ToLower(strings.Trim(s, "[]"))}
}

// fits reports whether a connection goes to the host: by the name that it wants, by its URL or by its address.
func (h hostWanted) fits(c *exchange.Taped) bool {
	if h.name == "" {
		return true
	}
	server := c.Server.Addr().Unmap()
	named := strings.EqualFold(c.Name, h.name) || server.String() == h.name
	if a, err := netip.ParseAddr(h.name); err == nil {
		named = named || a.Unmap() == server
	}
	if u, err := url.Parse(c.URL); err == nil && u.Hostname() != "" {
		named = named || strings.EqualFold(u.Hostname(), h.name)
	}
	return named && (h.port == "" || fmt.Sprint(c.Server.Port()) == h.port)
}

// clientTapes is who keeps what crosses connections of clients of a site; nil for nobody.
func (a *App) clientTapes(site string) exchange.Flight {
	if g := a.pipe.graph.Load(); g != nil {
		return g.clients[site]
	}
	return nil
}
