package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// channelPrefix and a device's id make the Redis channel of its data.
const channelPrefix = "data_imei:"

// maxAnnounced bounds the changes of devices that wait for being published.
const maxAnnounced = 64

// A reading is one report of a device, published as JSON.
type reading struct {
	ID          int64   `json:"id"`
	IMEI        string  `json:"imei"`
	Event       string  `json:"event"` // "report", or "saved" where someone changed the settings
	Seq         uint64  `json:"seq"`
	Time        string  `json:"time"`        // RFC 3339, milliseconds
	Temperature float64 `json:"temperature"` // °C
	Humidity    float64 `json:"humidity"`    // %
	Battery     int     `json:"battery"`     // %
	Signal      int     `json:"signal"`      // dBm
	Alarm       bool    `json:"alarm"`
	By          string  `json:"by,omitempty"` // who saved
}

// simulated is a device and the state of its imaginary sensor.
type simulated struct {
	device
	seq      uint64
	mean     float64
	temp     float64
	humidity float64
	battery  float64
}

// read takes the next reading: a walk that is drawn back to its mean, so that a
// chart of it looks like a room and not like noise.
func (s *simulated) read(now time.Time) reading {
	s.seq++
	s.temp += (s.mean-s.temp)*0.06 + rand.NormFloat64()*0.28
	s.humidity = min(max(s.humidity+(52-s.humidity)*0.04+rand.NormFloat64()*0.5, 5), 99)
	s.battery = max(s.battery-0.002, 5)
	r := reading{
		ID:          s.ID,
		IMEI:        s.IMEI,
		Event:       "report",
		Seq:         s.seq,
		Time:        now.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Temperature: tenth(s.temp),
		Humidity:    tenth(s.humidity),
		Battery:     int(math.Round(s.battery)),
		Signal:      -62 - rand.IntN(22),
	}
	r.Alarm = r.Temperature >= s.AlarmAt
	last := r
	s.Last = &last
	return r
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// Run is the life of the simulated devices: about once a tick each reports, and
// the report is published. All publishing is done here, so that a device's
// reports keep their order and no user waits for Redis. It returns when ctx ends.
func (a *App) Run(ctx context.Context) {
	t := time.NewTicker(a.tick)
	defer t.Stop()
	due := a.devices.round(0, a.now())
	reachable := true
	for n := uint64(1); ; {
		err := a.publish(ctx, due...)
		if ctx.Err() != nil {
			return
		}
		// One line per outage: a line a second would bury all others.
		if err != nil && reachable {
			a.log.Warn("device data not published", "err", err)
		} else if err == nil && !reachable {
			a.log.Info("device data published again")
		}
		reachable = err == nil
		select {
		case <-ctx.Done():
			return
		case r := <-a.saved:
			due = []reading{r}
		case <-t.C:
			due = a.devices.round(n, a.now())
			n++
		}
	}
}

// announce hands a reading to Run. With Redis away the queue fills, and what is
// beyond it is lost: whoever looks at the device gets its next report.
func (a *App) announce(r reading) {
	select {
	case a.saved <- r:
	default:
		a.log.Warn("change of a device not announced: queue full", "device", r.ID)
	}
}

// publish sends readings in one round trip, each to its device's channel.
func (a *App) publish(ctx context.Context, readings ...reading) error {
	if a.redis == nil || len(readings) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := a.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range readings {
			b, err := json.Marshal(r)
			if err != nil {
				return err
			}
			p.Publish(ctx, channelPrefix+strconv.FormatInt(r.ID, 10), b)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("app: publish: %w", err)
	}
	return nil
}
