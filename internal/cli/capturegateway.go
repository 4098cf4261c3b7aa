package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/config"
)

// gatewayFlags say where the admin address of the gateway is.
type gatewayFlags struct {
	config    string
	admin     string
	tokenFile string
}

// defaultConfig is read where nothing else names the gateway.
const defaultConfig = "lunette.yaml"

func (g *gatewayFlags) add(f *pflag.FlagSet) {
	f.StringVar(&g.config, "config", "", "configuration `FILE` of the gateway, for its admin address and token; default: "+defaultConfig+" in this folder, with --site")
	f.StringVar(&g.admin, "admin", "", "admin address of the gateway, rather than that of the configuration: `HOST:PORT`")
	f.StringVar(&g.tokenFile, "token-file", "", "`FILE` with the admin token, beside --admin")
}

func (g *gatewayFlags) named() bool { return g.config != "" || g.admin != "" }

// gatewayAt is where and how the gateway is asked.
type gatewayAt struct {
	address, token string
	recipients     []string // of the configuration
}

// find reads the flags, and the configuration where it is named or nothing else names the gateway. What --admin and --token-file say counts more
// than the configuration.
func (g *gatewayFlags) find() (*gatewayAt, error) {
	at := &gatewayAt{address: g.admin}
	file, path := g.tokenFile, g.config
	if path == "" && g.admin == "" {
		path = defaultConfig
		if _, err := os.Stat(path); err != nil {
			return nil, usageError{errors.New("where is the gateway? give --config FILE, its configuration, or --admin HOST:PORT with --token-file FILE")}
		}
	}
	if path != "" {
		cfg, faults := config.Load(path)
		if cfg == nil {
			return nil, fmt.Errorf("read the gateway's configuration: %w", faults)
		}
		if cfg.Admin.Address == "" && g.admin == "" {
			return nil, fmt.Errorf("%s: no admin.address is set, by which the gateway is asked: set admin: {address: 127.0.0.1:9180, token_file: FILE} and restart it", printable(path))
		}
		at.address, at.token, at.recipients = cmp.Or(g.admin, cfg.Admin.Address), cfg.Admin.Token, cfg.Incidents.Recipients
		file = cmp.Or(file, cfg.Admin.TokenFile)
	}
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fileError("read admin token", printable(file), err)
		}
		at.token = strings.TrimSpace(string(b))
	}
	host, port, err := net.SplitHostPort(at.address)
	if err != nil {
		return nil, usageError{fmt.Errorf("admin address %q: give HOST:PORT", at.address)}
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		at.address = net.JoinHostPort("127.0.0.1", port)
	}
	return at, nil
}

// gatewayStream is what the gateway tells of connections.
type gatewayStream struct {
	at     *gatewayAt
	client *http.Client
	head   app.CaptureEvent
	body   io.ReadCloser
	lines  *bufio.Reader
	events chan app.CaptureEvent // closed when the stream is over
	err    error                 // why it is over without an end event; read after events was closed
}

// maxEvent is the most bytes of one event: a recording of the most that the flight recorder keeps, in base64, and room.
const maxEvent = 384 << 20

// capture asks the gateway; the first event has come when it returns. The stream ends with ctx.
func (at *gatewayAt) capture(ctx context.Context, query url.Values) (*gatewayStream, error) {
	s := &gatewayStream{at: at, events: make(chan app.CaptureEvent, 1024), client: &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, DisableKeepAlives: true}}}
	resp, err := s.ask(ctx, http.MethodGet, "/capture?"+query.Encode())
	if err != nil {
		return nil, err
	}
	s.body, s.lines = resp.Body, bufio.NewReaderSize(resp.Body, 64<<10)
	if s.head, err = s.next(); err == nil && s.head.Event != app.CaptureArmed {
		err = fmt.Errorf("the first event is %q", s.head.Event)
	}
	if err != nil {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("ask the gateway at %s: %w: is that Lunette's admin address?", at.address, err)
	}
	go s.read(ctx)
	return s, nil
}

// ask sends a request, and makes an error of every answer that is none.
func (s *gatewayStream) ask(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.at.address+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	r.Header.Set("User-Agent", "lunette-capture "+captureUser()+" pid "+strconv.Itoa(os.Getpid()))
	if s.at.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.at.token)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("ask the gateway at %s: %w: does it run, and is this its admin.address?", s.at.address, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	_ = resp.Body.Close()
	text := strings.TrimSpace(string(said))
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		text = "the admin token is missing or wrong: give --config FILE, or --token-file FILE"
	case http.StatusNotFound:
		if !strings.Contains(text, "no site") {
			text += " (a gateway of an older version?)"
		}
	}
	return nil, fmt.Errorf("ask the gateway at %s: %s", s.at.address, printable(text))
}

func captureUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// next reads an event.
func (s *gatewayStream) next() (e app.CaptureEvent, err error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		if len(line)+len(part) > maxEvent {
			return e, errors.New("an event is too long")
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return e, err
		}
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("an event is no JSON: %w", err)
	}
	return e, nil
}

// read hands events on until the stream is over. It ends with the context of capture, which closes the body.
func (s *gatewayStream) read(ctx context.Context) {
	defer close(s.events)
	defer func() { _ = s.body.Close() }()
	for {
		e, err := s.next()
		if err != nil {
			s.err = err
			return
		}
		select {
		case s.events <- e:
		case <-ctx.Done():
			return
		}
		if e.Event == app.CaptureEnd {
			return
		}
	}
}

// finish asks the gateway to send what it still holds, and to end.
func (s *gatewayStream) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	resp, err := s.ask(ctx, http.MethodPost, "/capture/"+url.PathEscape(s.head.ID)+"/end")
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}
