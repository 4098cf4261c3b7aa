package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"runtime"
	"strings"
)

func (s *Server) routes(cfg Config, deps Deps) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", deps.Metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() {
			text(w, http.StatusServiceUnavailable, "not ready: starting or stopping")
			return
		}
		text(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"version": cfg.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	})
	mux.HandleFunc("GET /blocks/{id}", func(w http.ResponseWriter, r *http.Request) { block(w, r.PathValue("id"), deps.Blocks) })
	mux.HandleFunc("GET /incidents", func(w http.ResponseWriter, _ *http.Request) {
		document(w, deps.incidents(), "no incidents are kept here", "the incidents could not be read")
	})
	mux.HandleFunc("GET /origins", func(w http.ResponseWriter, _ *http.Request) {
		document(w, deps.origins(), "nothing is learned of origins here", "what was learned of origins could not be written down")
	})
	s.captureRoutes(mux, cfg, deps)
	if cfg.Token != "" { // profiles show more than any local user should see
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s+"\n")
}

func block(w http.ResponseWriter, id string, blocks Blocks) {
	const idLength = 26
	if len(id) != idLength {
		text(w, http.StatusBadRequest, "a request id has 26 characters; it stands on the page and in the log line of the request")
		return
	}
	if blocks != nil {
		if b, ok := blocks.Block(strings.ToUpper(id)); ok {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(append(b[:len(b):len(b)], '\n'))
			return
		}
	}
	text(w, http.StatusNotFound, "no blocked request with this id in memory or in the current access log; look in the rotated files")
}

// guard lets a request through: with a token by that, without one by a Host that no foreign name can stand for.
func guard(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token)) // equal lengths for the comparison
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		switch {
		case token == "" && !localHost(r.Host):
			text(w, http.StatusMisdirectedRequest, "ask for this address by its number or as localhost")
			return
		case token != "" && !probe:
			scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			sum := sha256.Sum256([]byte(got))
			if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
				h.Set("WWW-Authenticate", `Bearer realm="lunette admin"`)
				text(w, http.StatusUnauthorized, "send the admin token: Authorization: Bearer …")
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}

func localHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
