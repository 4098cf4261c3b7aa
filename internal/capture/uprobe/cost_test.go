//go:build linux && amd64

package uprobe_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestCost measures the processor time of nginx for a request with and without the hooks, by turns: a busy machine disturbs it less than a
// rate. Set LUNETTE_UPROBE_COST=1.
func TestCost(t *testing.T) {
	if os.Getenv("LUNETTE_UPROBE_COST") == "" {
		t.Skip("a measurement: set LUNETTE_UPROBE_COST=1")
	}
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"a.test"}})
	nginx := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("access_log off; keepalive_requests 100000; server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; }", cert.File, cert.Key)})
	ab := peer.Need(t, "ab", "apache2-utils")
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nginx.PID, nginx.PID))
	if err != nil {
		t.Fatal(err)
	}
	worker := strings.Fields(string(children))[0]
	measure := func(name string, requests int, args ...string) {
		before := used(t, worker)
		args = append(args, "-q", "-c", "8", "-n", strconv.Itoa(requests), "https://"+nginx.Addr+"/")
		if out, err := exec.CommandContext(t.Context(), ab, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		t.Logf("%s %.1f µs of the worker's time for a request", name, float64(used(t, worker)-before)/1e3/float64(requests))
	}
	both := func(name string) {
		measure(name+" keep-alive", 10000, "-k")
		measure(name+" new-connections", 300)
	}
	for range 5 {
		both("without")
		for name, light := range map[string]bool{"with": false, "light": true} {
			r := open(t, uprobe.Config{PIDs: []int{nginx.PID}, Light: light})
			both(name)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// used is how long a process of one thread was on a processor, in nanoseconds.
func used(t *testing.T, pid string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/schedstat")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
