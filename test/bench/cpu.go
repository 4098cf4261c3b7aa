package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// kinds lists the loads that are wanted.
func (o *options) kinds(r *rig) []load {
	var out []load
	for _, l := range []load{{Name: "get", path: "/"}, {Name: "page", path: "/page.html"}, {Name: "form", path: "/form", script: r.file("form.lua")}} {
		if wants(o.loads, l.Name) {
			out = append(out, l)
		}
	}
	return out
}

// cpu measures CPU time per request. In every round each system has its turn with each load, so that what else goes on
// on the machine meets all of them.
func (o *options) cpu(ctx context.Context, r *rig, systems []*system, rep *report) error {
	kinds := o.kinds(r)
	for round := range o.rounds {
		for _, l := range kinds {
			for _, s := range systems {
				url := "http://" + s.plain
				if round == 0 { // connections, caches, the Go heap's size
					if _, err := drive(ctx, s.p, url, site, l, o.conns, time.Second); err != nil {
						return err
					}
				}
				got, err := drive(ctx, s.p, url, site, l, o.conns, o.length)
				if err != nil {
					return err
				}
				rep.cpu(s.Name, l.Name, got)
			}
		}
		fmt.Fprintf(os.Stderr, "cpu: round %d of %d\n", round+1, o.rounds)
	}
	rep.ratios()
	return nil
}

// profiles takes a CPU profile of each lunette under GET.
func (o *options) profiles(ctx context.Context, r *rig, systems []*system) error {
	const seconds = 8
	for _, s := range systems {
		name := map[string]string{"lunette": o.profile, "lunette+waf": o.profile + ".waf"}[s.Name]
		if name == "" {
			continue
		}
		done := make(chan error, 1)
		go func() { // ends with the profile
			done <- fetchProfile(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.admin, seconds), name)
		}()
		_, err := drive(ctx, s.p, "http://"+s.plain, site, o.kinds(r)[0], o.conns, (seconds+2)*time.Second)
		if err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

func fetchProfile(ctx context.Context, url, file string) error {
	b, err := adminGet(ctx, url)
	if err != nil {
		return fmt.Errorf("fetch profile: %w", err)
	}
	return os.WriteFile(file, b, 0o600)
}

// adminGet asks Lunette's admin address.
func adminGet(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, b)
	}
	return b, err
}
