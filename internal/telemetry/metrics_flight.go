package telemetry

import "github.com/prometheus/client_golang/prometheus"

// FlightSource is who knows the flight recorder.
type FlightSource interface {
	// FlightStats is called at each scrape, from any goroutine.
	FlightStats() FlightStat
}

// FlightStat is the state of the flight recorder.
type FlightStat struct {
	Open, Used, Limit int64 // connections that are recorded; bytes that they hold, and may hold
	Refused, Stalls   int64 // so far: connections recorded without their bytes for want of room; exchanges that stalled
}

// SetFlight says who knows the flight recorder from now on.
func (m *Metrics) SetFlight(f FlightSource) { m.flight.Store(&f) }

func (m *Metrics) flightCollectors() []prometheus.Collector {
	ask := func(pick func(*FlightStat) int64) func() float64 {
		return func() float64 {
			source := m.flight.Load()
			if source == nil {
				return 0
			}
			s := (*source).FlightStats()
			return float64(pick(&s))
		}
	}
	gauge := func(name, help string, pick func(*FlightStat) int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, ask(pick))
	}
	counter := func(name, help string, pick func(*FlightStat) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, ask(pick))
	}
	return []prometheus.Collector{
		gauge("lunette_flight_connections", "Connections that the flight recorder follows.", func(s *FlightStat) int64 { return s.Open }),
		gauge("lunette_flight_bytes", "Bytes that the flight recorder holds.", func(s *FlightStat) int64 { return s.Used }),
		gauge("lunette_flight_limit_bytes", "Bytes that the flight recorder may hold (flight_memory).", func(s *FlightStat) int64 { return s.Limit }),
		counter("lunette_flight_without_bytes_total", "Connections recorded without their bytes, because flight_memory was used up.", func(s *FlightStat) int64 { return s.Refused }),
		counter("lunette_flight_stalls_total", "Exchanges whose origin was silent for stall_after while it was its turn.", func(s *FlightStat) int64 { return s.Stalls }),
	}
}
