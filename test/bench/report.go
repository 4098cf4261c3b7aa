package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// figure is one measured value over the rounds.
type figure struct {
	Median, Min, Max float64
	all              []float64
}

func (f *figure) add(v float64) {
	f.all = append(f.all, v)
	s := slices.Sorted(slices.Values(f.all))
	f.Min, f.Max = s[0], s[len(s)-1]
	if f.Median = s[len(s)/2]; len(s)%2 == 0 {
		f.Median = (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
}

func (f *figure) String() string {
	if f == nil || len(f.all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s-%s)", short(f.Median), short(f.Min), short(f.Max))
}

func short(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// report gathers everything that was measured.
type report struct {
	Machine string
	Skipped map[string]string
	Order   []string // systems as they came
	Tables  []*table // in the order of the parts
}

// table is figures by system and column.
type table struct {
	Title   string
	Note    string
	Columns []string
	Rows    map[string]map[string]*figure // system, column
}

func newReport(*options) *report {
	return &report{Machine: machine(), Skipped: map[string]string{}}
}

func (r *report) skip(name string, err error) { r.Skipped[name] = err.Error() }

// put adds a value to the table with that title, which it makes where there is none yet.
func (r *report) put(title, system, column string, v float64) {
	i := slices.IndexFunc(r.Tables, func(t *table) bool { return t.Title == title })
	if i < 0 {
		i = len(r.Tables)
		r.Tables = append(r.Tables, &table{Title: title, Rows: map[string]map[string]*figure{}})
	}
	t := r.Tables[i]
	if !slices.Contains(t.Columns, column) {
		t.Columns = append(t.Columns, column)
	}
	if !slices.Contains(r.Order, system) {
		r.Order = append(r.Order, system)
	}
	if t.Rows[system] == nil {
		t.Rows[system] = map[string]*figure{}
	}
	if t.Rows[system][column] == nil {
		t.Rows[system][column] = &figure{}
	}
	t.Rows[system][column].add(v)
}

// get returns a figure, nil when it was not measured.
func (r *report) get(title, system, column string) *figure {
	for _, t := range r.Tables {
		if t.Title == title {
			return t.Rows[system][column]
		}
	}
	return nil
}

func (r *report) note(title, text string) {
	for _, t := range r.Tables {
		if t.Title == title {
			t.Note = text
		}
	}
}

const (
	titleCPU   = "CPU µs per request"
	titleRatio = "CPU per request, as a multiple of nginx in the same round"
	titleRate  = "requests per second (load generator and origin on the same machine)"
)

func (r *report) cpu(system, load string, got run) {
	r.put(titleCPU, system, load, got.micros())
	r.put(titleRate, system, load, got.rate())
}

// ratios adds what each system costs as a multiple of nginx in the same round: what else ran on the machine meanwhile
// met both.
func (r *report) ratios() {
	for _, system := range r.Order {
		for _, kind := range []string{"get", "page", "form"} {
			f, base := r.get(titleCPU, system, kind), r.get(titleCPU, "nginx", kind)
			for i := 0; f != nil && base != nil && i < min(len(f.all), len(base.all)); i++ {
				r.put(titleRatio, system, kind, f.all[i]/base.all[i])
			}
		}
	}
}

func (r *report) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s\nmedian (lowest-highest) of the rounds\n", r.Machine)
	for name, why := range r.Skipped {
		_, _ = fmt.Fprintf(w, "skipped: %s: %s\n", name, why)
	}
	for _, t := range r.Tables {
		_, _ = fmt.Fprintf(w, "\n%s\n", t.Title)
		if t.Note != "" {
			_, _ = fmt.Fprintln(w, t.Note)
		}
		tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		_, _ = fmt.Fprintf(tw, "\t%s\n", strings.Join(t.Columns, "\t"))
		for _, s := range r.Order {
			if t.Rows[s] == nil {
				continue
			}
			_, _ = fmt.Fprint(tw, s)
			for _, c := range t.Columns {
				_, _ = fmt.Fprint(tw, "\t", t.Rows[s][c])
			}
			_, _ = fmt.Fprintln(tw)
		}
		_ = tw.Flush()
	}
}

func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}

// machine says where this was measured.
func machine() string {
	model := "unknown CPU"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d × %s, Linux %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version())
}
