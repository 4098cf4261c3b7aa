package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestCaptureOfWell holds that the capture of a healthy origin condemns nobody: what was tried on purpose is known again and is no failure.
func TestCaptureOfWell(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"well.test"}})
	origin := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; location / { return 200 x; } }", cert.File, cert.Key)})
	name := filepath.Join(t.TempDir(), "well.pcapng")
	examine(t, 0, ask("well.test", "/", origin.Addr, "--ca", ca.File, "--write", name)...)
	var out, errs bytes.Buffer
	if code := cli.Main(context.Background(), []string{"explain", "--format", "json", name}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	var doc struct {
		Flows []struct {
			Purpose  string
			Variant  bool
			Findings []struct{ Code, Severity, Summary string }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	variants, plain := 0, 0
	for _, f := range doc.Flows {
		switch {
		case f.Variant:
			variants++
		case f.Purpose == "plain":
			plain++
		}
		for _, found := range f.Findings {
			if found.Severity != "info" {
				t.Errorf("%s: %+v", f.Purpose, found)
			}
		}
	}
	if variants < 20 || plain != 1 {
		t.Errorf("%d variants, %d plain requests", variants, plain)
	}
}
