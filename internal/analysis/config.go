package analysis

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
)

// Input is one capture file.
type Input struct {
	Name string
	Size int64                         // bytes, 0 when unknown: for Config.Progress
	Open func() (io.ReadCloser, error) // from its start, each time; where Close does not end a Read that waits, it has a method Interrupt that does
}

// File is the Input of a regular file on disk; for others, which may not be readable twice, there is [Spool].
func File(path string) (Input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Input{}, fmt.Errorf("read capture: %s: %w", path, cause(err))
	}
	if info.IsDir() {
		return Input{}, fmt.Errorf("read capture: %s is a folder: name the files in it", path)
	}
	return Input{Name: path, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// cause is err without the operation and the name that package os puts before it.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (in *Input) open() (io.ReadCloser, error) {
	src, err := in.Open()
	if err != nil {
		return nil, fmt.Errorf("read capture: %s: %w", in.Name, cause(err))
	}
	return src, nil
}

// reader reads src, which is in that was opened.
func (in *Input) reader(src io.Reader, cfg pcap.Config) (*pcap.Reader, error) {
	r, err := pcap.NewReader(src, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, pcap.Named(err, in.Name))
	}
	return r, nil
}

// Config says what is read and what is kept. Zero values mean the defaults.
type Config struct {
	Inputs  []Input
	Secrets *secrets.Store // those of the files are added; nil: only these
	Filter  Filter
	Flow    flow.Config      // Budget is set by Run
	TCP     tcpstream.Window // how long segments wait for those before them
	Workers int              // goroutines that follow connections; default: as many as cores
	Memory  int64            // bytes that all flows together may hold, default 256 MiB: a quarter for what waits, a quarter for the result, the rest for the connections themselves
	// MaxFlows is the most flows in the Report, default 100,000; those without a byte of data are at most a twentieth of it. Later ones
	// are counted.
	MaxFlows int
	// Progress is told how many bytes of all inputs were read, about a hundred times in a run, from one goroutine. total is 0 when
	// the size of an input is unknown.
	Progress func(done, total int64)
}

const (
	defaultMemory   = 256 << 20
	defaultMaxFlows = 100_000
	maxConns        = 200_000 // connections that are followed at once
)

func (c Config) filled() Config {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Memory <= 0 {
		c.Memory = defaultMemory
	}
	if c.MaxFlows <= 0 {
		c.MaxFlows = defaultMaxFlows
	}
	if c.Secrets == nil {
		c.Secrets = secrets.New()
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	return c
}

// total is the size of all inputs, 0 when one is unknown.
func (c *Config) total() int64 {
	sum := int64(0)
	for _, in := range c.Inputs {
		if in.Size <= 0 {
			return 0
		}
		sum += in.Size
	}
	return sum
}
