package site

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// trickyPaths begin with /weak/ to the eye, or end up there to some origin.
var trickyPaths = []string{
	"/weak/x", "/weak/", "/weak", "/we%61k/x", "/%77eak/x", "/weak//x", "/weakx", "/x", "/x/weak/", "/WEAK/x", "/Weak/x",
	"/weak/../x", "/weak/./x", "/weak/%2e%2e/x", "/weak/.%2e/x", "/weak/%2E./x", "/weak/..", "/weak/%2e%2e", "/weak/x/../../y",
	"/weak//../x", "/weak//..//x", "//weak/x", "//x/../weak/y", "/./weak/x", "/x/../weak/y", "/x/%2e%2e/weak/y", "/weak%2fx", "/weak%2f..%2fx", "/weak/..%2fx",
	"/weak/%2e%2e%2fx", "/weak/..;/x", "/weak;/x", "/weak;a=b/../x", "/weak/;/../x", `/weak/..\x`, `/weak\..\x`, "/weak/..%5cx", "/weak/%252e%252e/x",
	"/weak/%u002e%u002e/x", "/weak/.../x", "/weak/.. /x", "/weak/..%20/x", "/weak/%c0%ae%c0%ae/x", "/weak/x.", "/weak/x%2e", "/weak/#/../x", "/weak/..#/x", "/weak/%23/../x",
	"/weak/?/../x", "/weak/%3f/../x", "/weak/%3f/..", "/weak/x::$DATA", "/weak/WEAK~1/../../x", "/x//weak/y", "/weak/a/b//../../../x",
}

// TestNoPathFoolsARoute asks real origins which of two locations each path falls into. A path that gets the weak policy
// must never land in the strong location, whatever the site's path policy.
func TestNoPathFoolsARoute(t *testing.T) {
	weak := SiteConfig{Root: RouteConfig{Protection: 2}, Routes: []RouteConfig{{Path: "/weak/", Protection: 0}}}
	strict, lenient := weak, weak
	strict.Names, lenient.Names, lenient.Path = []string{"strict.test"}, []string{"lenient.test"}, Lenient
	tab := table(t, Config{Sites: []SiteConfig{strict, lenient}})
	for name, start := range map[string]func(t *testing.T) *peer.Server{
		"nginx": func(t *testing.T) *peer.Server {
			return peer.Nginx(t, peer.NginxConfig{HTTP: `server { listen {{addr}}; location /weak/ { return 200 weak; } location / { return 200 strong; } }`})
		},
		"nginx, slashes not merged": func(t *testing.T) *peer.Server {
			return peer.Nginx(t, peer.NginxConfig{HTTP: `server { listen {{addr}}; merge_slashes off; location /weak/ { return 200 weak; } location / { return 200 strong; } }`})
		},
		"nginx, any case": func(t *testing.T) *peer.Server {
			return peer.Nginx(t, peer.NginxConfig{HTTP: `server { listen {{addr}}; location ~* ^/weak/ { return 200 weak; } location / { return 200 strong; } }`})
		},
		"Apache httpd": func(t *testing.T) *peer.Server {
			return peer.Apache(t, peer.ApacheConfig{Plain: true, Sites: []peer.ApacheSite{{
				Name: "a.test", Extra: "ErrorDocument 404 strong\nAllowEncodedSlashes On",
				Locations: []peer.ApacheLocation{{Path: "/weak/", Extra: "ErrorDocument 404 weak"}},
			}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr, fooled := start(t).Addr, 0
			for _, path := range trickyPaths {
				place := ask(t, addr, path)
				if strings.HasPrefix(path, "/weak/") && place == "strong" {
					fooled++ // a gateway that looks at the beginning alone would be
				}
				for _, host := range []string{"strict.test", "lenient.test"} {
					m, f := tab.Match(get(host, path))
					if f == nil && m.Policy.Protection == 0 && place == "strong" {
						t.Errorf("%s%s gets the weak policy but the origin reads it elsewhere", host, path)
					}
				}
			}
			if fooled < 5 {
				t.Errorf("only %d paths lead this origin out of /weak/: the test proves little", fooled)
			}
		})
	}
}

// ask returns the place that the origin at addr says path to be in: weak, strong, or "" where it refuses.
func ask(t *testing.T, addr, path string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "" // closed without an answer: refused
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if place := string(body); place == "weak" || place == "strong" {
		return place
	}
	return ""
}
