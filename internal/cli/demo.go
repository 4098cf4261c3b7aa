package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

const (
	demoHost     = lab.DefaultName
	demoPatience = 5 * time.Second // of the careless proxy; a real one waits 60 s, IIS 120 s
)

func demoCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Reproduce the incident that Lunette was made for, on this machine", Example: "lunette demo --keep", Args: exactly(),
		Long: "Starts an origin that renegotiates TLS as IIS does, a proxy that ignores it, and Lunette, all on loopback with\nthrow-away certificates, and shows what a client gets through each.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := demo{out: cmd.OutOrStdout(), keep: keep}
			defer d.close()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave everything up to play with, until interrupted")
	return cmd
}

// demo is the founding incident on one machine.
type demo struct {
	out    io.Writer
	keep   bool
	dir    string
	ca     *certs.CA // of the gateway's own certificate
	origin *lab.Origin
	proxy  *lab.Proxy
	block  string // id of the blocked request
	app    *app.App
	stop   context.CancelFunc
	done   chan error
}

func (d *demo) close() {
	if d.stop != nil {
		d.stop()
		if err := <-d.done; err != nil {
			d.say("stop the gateway: %v", err)
		}
	}
	if d.proxy != nil {
		_ = d.proxy.Close()
	}
	if d.origin != nil {
		_ = d.origin.Close()
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) run(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	d.say("An HTTPS origin that behaves as IIS does with SSL Settings > Client certificates: Accept   https://%s", d.origin.Addr())
	d.say("A careless proxy in front of it                                                           http://%s", d.proxy.Addr())
	d.say("Lunette in front of it                                                                    https://%s\n", d.app.Addrs()[0])
	for _, step := range []func(context.Context) error{d.direct, d.careless, d.through, d.attack} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("%s", demoExplanation)
	if d.keep {
		d.say("%s", d.playground())
		<-ctx.Done()
	}
	return nil
}

// start brings up origin, careless proxy and gateway.
func (d *demo) start(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "lunette-demo-"); err != nil {
		return err
	}
	d.origin, err = lab.Start(ctx, lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}})
	if err != nil {
		return err
	}
	if d.proxy, err = lab.StartCarelessProxy(ctx, lab.ProxyConfig{Origin: d.origin.Addr(), Patience: demoPatience}); err != nil {
		return err
	}
	if d.ca, err = certs.NewCA("Lunette demo", certs.ECDSA); err != nil {
		return err
	}
	if err = d.writeFiles(); err != nil {
		return err
	}
	d.say("Compiling the OWASP Core Rule Set …")
	if err = d.open(); err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	d.stop, d.done = stop, make(chan error, 1)
	go func() { d.done <- d.app.Run(run) }()
	return nil
}

// open makes the gateway, with real ports in its configuration: other commands read it too. A port may be taken between
// its choice and its use, so it tries again.
func (d *demo) open() (err error) {
	path := filepath.Join(d.dir, "lunette.yaml")
	var faults config.Faults
	for range 5 {
		gateway, admin, fault := freePorts()
		if fault != nil {
			return fault
		}
		if err = os.WriteFile(path, fmt.Appendf(nil, demoConfig, gateway, admin, demoHost, d.origin.Addr()), 0o600); err != nil {
			return err
		}
		if d.app, err = app.New(path, app.Options{Version: version(), Log: io.Discard}); !errors.As(err, &faults) {
			return err
		}
	}
	return err
}

// freePorts returns two loopback addresses that are free.
func freePorts() (a, b string, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = first.Close() }()
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = second.Close() }()
	return first.Addr().String(), second.Addr().String(), nil
}

func (d *demo) writeFiles() error {
	cert, err := d.ca.Issue(certs.Options{Names: []string{demoHost, "127.0.0.1"}})
	if err != nil {
		return err
	}
	key, err := cert.KeyPEM()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"hello.crt": cert.ChainPEM(), "hello.key": key, "origin-ca.pem": d.origin.CA(), "lunette-ca.pem": d.ca.PEM(),
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

const demoConfig = `listen:
  - {address: "%s", tls: true}
admin: {address: "%s"}
access_log: {file: access.jsonl}
drain_timeout: 1s
sites:
  - names: [%s]
    certificate: {file: hello.crt, key: hello.key}
    origin:
      urls: ["https://%s"]
      tls: {ca: origin-ca.pem, profile: compatible}   # renegotiation: auto is the default
    waf: {mode: block}
`

func (d *demo) direct(ctx context.Context) error {
	d.say("1. A browser straight to the origin")
	res, err := get(ctx, "https://"+demoHost+"/", d.origin.Addr(), d.origin.Authority().Pool())
	if err != nil {
		return err
	}
	return d.expect(res, http.StatusOK, "   GET / → %d after %s", res.status, res.took)
}

func (d *demo) careless(ctx context.Context) error {
	d.say("\n2. Through the careless proxy (it gives up after %s here; real ones wait 60 s or more)", demoPatience)
	res, err := get(ctx, "http://"+demoHost+"/", d.proxy.Addr(), nil)
	if err != nil {
		return err
	}
	return d.expect(res, http.StatusGatewayTimeout, "   GET / → %d after %s, and no log says why", res.status, res.took)
}

func (d *demo) through(ctx context.Context) error {
	d.say("\n3. Through Lunette")
	res, err := get(ctx, "https://"+demoHost+"/", d.app.Addrs()[0], d.ca.Pool())
	if err != nil {
		return err
	}
	if err := d.expect(res, http.StatusOK, "   GET / → %d after %s", res.status, res.took); err != nil {
		return err
	}
	line, err := findLine(ctx, filepath.Join(d.dir, "access.jsonl"), res.id)
	if err != nil {
		return err
	}
	d.say("   The log line names it:\n%s", line.origin())
	return nil
}

// demoAttack is the target of an SQL injection.
func demoAttack() string {
	return "/?id=" + url.QueryEscape("1' OR '1'='1' UNION SELECT password FROM users--")
}

func (d *demo) attack(ctx context.Context) error {
	d.say("\n4. An SQL injection through Lunette")
	res, err := get(ctx, "https://"+demoHost+demoAttack(), d.app.Addrs()[0], d.ca.Pool())
	if err != nil {
		return err
	}
	if err := d.expect(res, http.StatusForbidden, "   GET /?id=1' OR … → %d, id %s", res.status, res.id); err != nil {
		return err
	}
	d.block = res.id
	line, err := findLine(ctx, filepath.Join(d.dir, "access.jsonl"), res.id)
	if err != nil {
		return err
	}
	d.say("%s", line.rules())
	return nil
}

// expect prints a line, and fails where the demo did not show what it shall show.
func (d *demo) expect(res answer, status int, format string, args ...any) error {
	d.say(format, args...)
	if res.status != status {
		return fmt.Errorf("the demo expected %d and got %d; please report this with the output above", status, res.status)
	}
	return nil
}
