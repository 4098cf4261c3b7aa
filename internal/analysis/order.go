package analysis

import (
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
		at, err := firstPacket(&in)
		if err != nil {
			return err
		}
		all = append(all, dated{in, at})
	}
	slices.SortStableFunc(all, func(a, b dated) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	cfg.Inputs = nil
	for _, d := range all {
		cfg.Inputs = append(cfg.Inputs, d.in)
	}
	return nil
}

// firstPacket is the time of an input's first packet; without one it comes last.
func firstPacket(in *Input) (int64, error) {
	src, err := in.Open()
	if err != nil {
		return 0, fmt.Errorf("read capture: %s: %w", in.Name, cause(err))
	}
	defer src.Close()
	r, err := pcap.NewReader(src, pcap.Config{})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", in.Name, pcap.Named(err, in.Name))
	}
	var p pcap.Packet
	var damage *pcap.DamageError
	switch err := r.Next(&p); {
	case err == nil:
		return p.At, nil
	case err == io.EOF || errors.As(err, &damage):
		return math.MaxInt64, nil
	default:
		return 0, fmt.Errorf("%s: %w", in.Name, err)
	}
}
