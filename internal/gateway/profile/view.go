package profile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Profiles is what was learned of all origins, by site and URL.
func (b *Book) Profiles() []Profile {
	var out []Profile
	for _, e := range *b.entries.Load() {
		out = append(out, e.view())
	}
	slices.SortFunc(out, func(a, b Profile) int { return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.URL, b.URL)) })
	return out
}

// Profile is what was learned of one origin; false where nothing was.
func (b *Book) Profile(site, url string) (Profile, bool) {
	e := (*b.entries.Load())[key{site, url}]
	if e == nil {
		return Profile{}, false
	}
	return e.view(), true
}

// countEvery is how often a profile is stored in which only counts have changed.
const countEvery = time.Minute

// Unsaved is what has changed since it was handed out by the last call, for whoever stores it: at once where something was learned, once
// a minute where only counts have changed.
func (b *Book) Unsaved() []Profile {
	now := b.cfg.Now()
	var out []Profile
	for _, e := range *b.entries.Load() {
		n := e.requests.Load()
		if !e.changed.Load() && (n == e.saved.Load() || now.UnixNano()-e.savedAt.Load() < int64(countEvery)) {
			continue
		}
		e.changed.Store(false)
		e.saved.Store(n)
		e.savedAt.Store(now.UnixNano())
		out = append(out, e.view())
	}
	return out
}

// Restore takes back what [Book.Profiles] gave before a restart. Those of origins that are known already, and those of another format,
// are left out.
func (b *Book) Restore(ps []Profile) {
	for _, p := range ps {
		if p.Format == Format && p.URL != "" {
			b.add(key{p.Site, p.URL}, restored(p))
		}
	}
}

// Marshal is p as it is stored.
func Marshal(p *Profile) ([]byte, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write profile of %s: %w", p.URL, err)
	}
	return doc, nil
}

// mostDoc bounds a stored profile, in bytes; those of this package are far smaller.
const mostDoc = 4 << 20

// Unmarshal reads what Marshal wrote.
func Unmarshal(doc []byte) (Profile, error) {
	var p Profile
	if len(doc) > mostDoc {
		return p, fmt.Errorf("read profile: %d bytes, want at most %d", len(doc), mostDoc)
	}
	if err := json.Unmarshal(doc, &p); err != nil {
		return p, fmt.Errorf("read profile: %w", err)
	}
	if p.Format != Format {
		return p, fmt.Errorf("read profile: format %d, want %d", p.Format, Format)
	}
	return p, nil
}

// view is a copy that shares nothing with e.
func (e *entry) view() Profile {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle.shorter.n == 0 && e.idle.longer.n == 0 {
		e.idle.settle()
	}
	p := e.p
	p.Requests, p.Failures, p.HTTP2 = e.requests.Load(), e.failures.Load(), e.http2.Load()
	for i := range p.Statuses {
		p.Statuses[i] = e.statuses[i].Load()
	}
	p.Last = time.Unix(0, e.last.Load()).UTC()
	if e.last.Load() == 0 {
		p.Last = p.First
	}
	p.Reuse.Kept = e.kept.Load()
	for _, s := range []*Set{&p.Addresses, &p.Versions, &p.Ciphers, &p.ALPN} {
		s.Members = slices.Clone(s.Members)
	}
	p.Names, p.Certificates, p.Events = slices.Clone(p.Names), slices.Clone(p.Certificates), slices.Clone(p.Events)
	for i := range p.Names {
		p.Names[i].Certs.Members = slices.Clone(p.Names[i].Certs.Members)
	}
	p.Renegotiation.Paths = slices.Clone(p.Renegotiation.Paths)
	p.SNI = serverNames(p.Names)
	p.IdleClose = e.idle.known
	b := &e.base
	p.FirstByte = FirstByte{
		Seen: b.first.sum(), P50: b.first.at(500), P95: b.first.at(950),
		Usual: time.Duration(b.median.Load()), SlowAt: time.Duration(b.high.Load()), Slow: e.slow.Load(),
	}
	p.Kept = Kept{FirstByte: b.first.counts(), IdleOpen: e.idle.open.counts(), IdleEnded: e.idle.closed.counts(), Raised: b.raised}
	return p
}

// restored is the reverse of view. What is stored may have been changed by anybody: bounds hold again.
func restored(p Profile) *entry {
	bound(&p)
	e := newEntry(p)
	e.changed.Store(false)
	e.saved.Store(p.Requests)
	e.requests.Store(p.Requests)
	e.failures.Store(p.Failures)
	e.http2.Store(p.HTTP2)
	e.kept.Store(p.Reuse.Kept)
	e.slow.Store(p.FirstByte.Slow)
	for i := range p.Statuses {
		e.statuses[i].Store(p.Statuses[i])
	}
	e.last.Store(p.Last.UnixNano())
	e.certAsked.Store(p.CertAsked != CertAsked{})
	b := &e.base
	b.first.put(p.Kept.FirstByte)
	b.median.Store(int64(max(p.FirstByte.Usual, 0)))
	b.high.Store(int64(max(p.FirstByte.SlowAt, 0)))
	b.raised = p.Kept.Raised
	e.idle.open.put(p.Kept.IdleOpen)
	e.idle.closed.put(p.Kept.IdleEnded)
	e.idle.closures.Store(p.IdleClose.Closures)
	e.idle.set(IdleClose{AtLeast: max(p.IdleClose.AtLeast, 0), AtMost: max(p.IdleClose.AtMost, 0), Closures: p.IdleClose.Closures})
	e.p.Kept = Kept{}
	return e
}

func bound(p *Profile) {
	for _, s := range []*Set{&p.Addresses, &p.Versions, &p.Ciphers, &p.ALPN} {
		s.bound(mostAddresses)
	}
	p.Names = slices.Clone(p.Names[:min(len(p.Names), mostNames)])
	for i := range p.Names {
		p.Names[i].Certs.bound(mostPerName)
	}
	p.Certificates = slices.Clone(p.Certificates[:min(len(p.Certificates), mostCertificates)])
	p.Renegotiation.Paths = slices.Clone(p.Renegotiation.Paths[:min(len(p.Renegotiation.Paths), mostPaths)])
	p.Events = slices.Clone(p.Events[:min(len(p.Events), mostEvents)])
}

func (s *Set) bound(most int) { s.Members = slices.Clone(s.Members[:min(len(s.Members), most)]) }

// serverNames says what the origin does with SNI, by the evidence of several names; "" without.
func serverNames(names []Name) string {
	var good []Name
	none := -1
	for i, n := range names {
		if n.SNI == "" {
			none = i
		} else if n.Good > 0 {
			good = append(good, n)
		}
	}
	if len(good) == 0 {
		return ""
	}
	if none >= 0 && names[none].Good == 0 && names[none].Refused >= 3 {
		return "needed"
	}
	if none >= 0 && names[none].Good > 0 {
		good = append(good, names[none])
	}
	if len(good) < 2 {
		return ""
	}
	for _, n := range good[1:] {
		if !slices.ContainsFunc(n.Certs.Members, func(m Member) bool { return good[0].Certs.holds(m.Value) }) && len(n.Certs.Members) > 0 && len(good[0].Certs.Members) > 0 {
			return "chooses"
		}
	}
	if none >= 0 && names[none].Good > 0 {
		return "ignored"
	}
	return ""
}
