package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// inOrder sorts several inputs by the time of their first packets, as captures that go on in the next file (tcpdump -C, -W, -G) want.
func inOrder(cfg *Config) error {
	if len(cfg.Inputs) < 2 {
		return nil
	}
	type dated struct {
		in Input
		at int64
	}
	var all []dated
	for _, in := range cfg.Inputs {
		at, err := in.Begin()
		var damage *pcap.DamageError
		if errors.Is(err, io.EOF) || errors.As(err, &damage) {
			at, err = math.MaxInt64, nil // without a packet it comes last
		}
		if err != nil {
			return err
		}
		all = append(all, dated{in, at})
	}
	slices.SortStableFunc(all, func(a, b dated) int { return cmp.Compare(a.at, b.at) })
	cfg.Inputs = nil
	for _, d := range all {
		cfg.Inputs = append(cfg.Inputs, d.in)
	}
	return nil
}

// Begin is the time of the input's first packet, nanoseconds since the Unix epoch. Without one the error is io.EOF, or a
// *pcap.DamageError.
func (in *Input) Begin() (int64, error) {
	src, err := in.open()
	if err != nil {
		return 0, err
	}
	defer src.Close()
	r, err := in.reader(src, pcap.Config{})
	if err != nil {
		return 0, err
	}
	var p pcap.Packet
	if err := r.Next(&p); err != nil {
		return 0, fmt.Errorf("%s: %w", in.Name, err)
	}
	return p.At, nil
}
