package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/internal/store"
)

// mostOrigins bounds an answer of the admin address, in bytes.
const mostOrigins = 256 << 20

// Learned is what was learned of origins, as GET /origins gives it.
type Learned struct {
	At      time.Time       `json:"at"`
	Source  string          `json:"source"` // "gateway", or the folder of the store
	Note    string          `json:"note,omitempty"`
	Origins []LearnedOrigin `json:"origins"`
}

// LearnedOrigin is one site at one URL.
type LearnedOrigin struct {
	profile.Profile
	Suggestions []profile.Suggestion `json:"suggestions"`
}

func learned(source string, now time.Time, ps []profile.Profile) *Learned {
	out := &Learned{At: now.UTC(), Source: source, Origins: []LearnedOrigin{}}
	for _, p := range ps {
		s := p.Suggestions(now)
		if s == nil {
			s = []profile.Suggestion{}
		}
		out.Origins = append(out.Origins, LearnedOrigin{p, s})
	}
	return out
}

// learnedView implements admin.Origins.
type learnedView struct{ book *profile.Book }

// Origins implements admin.Origins.
func (o learnedView) Origins() ([]byte, error) {
	doc, err := json.Marshal(learned("gateway", time.Now(), o.book.Profiles()))
	if err != nil {
		return nil, fmt.Errorf("write origins: %w", err)
	}
	return doc, nil
}

// LearnedFrom says where to look: in the folder of a store, or as the configuration at Config says: at the admin address, else in the folder.
type LearnedFrom struct {
	Config string
	Folder string
}

// Origins is what was learned of origins.
func Origins(ctx context.Context, from LearnedFrom) (*Learned, error) {
	if from.Folder != "" {
		return learnedIn(ctx, from.Folder)
	}
	cfg, faults := config.Load(from.Config)
	if faults.Failed() {
		return nil, faults
	}
	folder, address := cfg.Incidents.Folder, cfg.Admin.Address
	if address == "" && folder == "" {
		return nil, fmt.Errorf("find what was learned of origins: %s sets neither admin.address, at which the running gateway tells it, nor incidents.folder, in which it lies", from.Config)
	}
	var asked error
	if address != "" {
		l, err := askOrigins(ctx, cfg)
		if err == nil || folder == "" {
			return l, err
		}
		asked = err
	}
	l, err := learnedIn(ctx, folder)
	if err != nil {
		return nil, errors.Join(asked, err)
	}
	if asked != nil {
		l.Note = "as the gateway wrote it down last: " + asked.Error()
	}
	return l, nil
}

// learnedIn reads the store in folder, also while a gateway uses it.
func learnedIn(ctx context.Context, folder string) (*Learned, error) {
	s, err := store.Open(store.Config{Folder: folder, ReadOnly: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find what was learned of origins: no store in %s: no gateway with this incidents.folder has run yet: %w", folder, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	rows, err := s.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	var ps []profile.Profile
	var unread []string
	for _, r := range rows {
		p, err := profile.Unmarshal(r.Doc)
		if err != nil {
			unread = append(unread, r.Origin)
			continue
		}
		ps = append(ps, p)
	}
	l := learned(folder, time.Now(), ps)
	if len(unread) > 0 {
		l.Note = "not readable: " + strings.Join(unread[:min(len(unread), 5)], ", ")
	}
	return l, nil
}

// askOrigins asks the running gateway.
func askOrigins(ctx context.Context, cfg *config.Config) (*Learned, error) {
	l := new(Learned)
	if err := askAdmin(ctx, cfg, "/origins", mostOrigins, l); err != nil {
		return nil, err
	}
	return l, nil
}

// Only leaves the origins of sites called name, or else those in whose site or URL it stands; all for "".
func (l *Learned) Only(name string) {
	if name == "" {
		return
	}
	exact := slices.ContainsFunc(l.Origins, func(o LearnedOrigin) bool { return o.Site == name || o.URL == name })
	l.Origins = slices.DeleteFunc(l.Origins, func(o LearnedOrigin) bool {
		if exact {
			return o.Site != name && o.URL != name
		}
		return !strings.Contains(o.Site, strings.ToLower(name)) && !strings.Contains(o.URL, strings.ToLower(name))
	})
}

// Events are the changes of all origins, the newest first.
func (l *Learned) Events() []profile.Drift {
	out := []profile.Drift{}
	for _, o := range l.Origins {
		out = append(out, o.Profile.Events...)
	}
	slices.SortStableFunc(out, func(a, b profile.Drift) int { return b.At.Compare(a.At) })
	return out
}
