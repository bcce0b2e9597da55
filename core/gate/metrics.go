package gate

import (
	"iter"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/wire"
)

// counters are a gate's own counts. Labels come from closed sets only: no
// account, no address and no token is ever one.
type counters struct {
	opened     atomic.Uint64
	displaced  atomic.Uint64
	kicked     atomic.Uint64
	unverified atomic.Uint64
	gaps       atomic.Uint64
	denied     atomic.Uint64
	flaps      atomic.Uint64

	published, unpublished atomic.Uint64

	mu     sync.Mutex
	closes map[wire.CloseCode]uint64 // at most one entry a code of ours
}

func (c *counters) rejected(r session.Reason) {
	if r == session.ReasonKicked {
		c.kicked.Add(1)
		return
	}
	c.displaced.Add(1)
}

func (c *counters) closed(code wire.CloseCode) {
	if code.Meaning() == "" {
		code = wire.CloseAbnormal // a client may send any number
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes == nil {
		c.closes = map[wire.CloseCode]uint64{}
	}
	c.closes[code]++
}

var (
	descSockets = desc("sockets", "Sockets that are open.")
	descOpened  = desc("sockets_opened_total", "Sockets opened since the gate started.")
	descCloses  = desc("sockets_closed_total", "Sockets that the gate told to close, by close code.", "code")
	descRejects = desc("requests_rejected_total", "HTTP requests refused because their login had ended, by reason.", "reason")
	descUnknown = desc("verdicts_unavailable_total", "Judgements that Redis, the introspection endpoint or a budget left open.")
	descGaps    = desc("channel_gaps_total", "Channels whose messages may have been lost between Redis and this node.")
	descRings   = desc("history_channels", "Channels that have a history now.")
	descKept    = desc("history_messages", "Messages that the histories hold.")
	descBytes   = desc("history_bytes", "Bytes that they take.")
	descEvicted = desc("history_evicted_total", "Messages that went before their time, to make room for others.")
	descBroken  = desc("history_broken_total", "Histories that began anew since messages may have been lost.")
	descFilled  = desc("history_filled_total", "Messages that other nodes had while this one's Redis link was down.")
	descResumes = desc("resumes_total", "Plain sockets that came back to a channel after a broken connection, by whether all that they missed was there.", "result")
	descMessage = desc("messages_total", "Redis messages that reached at least one socket.")
	descDeliver = desc("deliveries_total", "Messages times the sockets they went to.")
	descWrites  = desc("writes_total", "Writes that the deliveries took; fewer where messages were merged.")
	descSlow    = desc("slow_consumers_total", "Sockets cut off because they read too slowly.")
	descSilent  = desc("silent_clients_total", "Sockets closed because they did not answer pings.")
	descFlaps   = desc("flaps_total", "Displaced clients that came back too often and were refused.")
	descFail    = desc("fail_open", "Whether logins can't be verified now, by cause; with fail closed they are refused meanwhile.", "cause")
	descPublish = desc("publishes_total", "Messages that clients were allowed to publish, by result.", "result")
	descRedis   = desc("redis_up", "Whether the Redis link is up.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("caddy", "wsgate", name), help, append([]string{"gate"}, labels...), nil)
}

// Collector reports the gates that its function yields, when it is scraped.
// It keeps nothing, so that it can be registered anew with every reload.
type Collector func() iter.Seq[*Gate]

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSockets, descOpened, descCloses, descRejects, descUnknown, descGaps, descRings, descKept, descBytes, descEvicted, descBroken, descFilled, descResumes, descMessage, descDeliver, descWrites, descSlow, descSilent, descFlaps, descFail, descPublish, descRedis} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for g := range c() {
		g.collect(ch)
	}
}

func (g *Gate) collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{g.name}, labels...)...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), append([]string{g.name}, labels...)...)
	}
	m := &g.metrics
	gauge(descSockets, float64(g.seats.total.Load()))
	count(descOpened, m.opened.Load())
	count(descRejects, m.displaced.Load(), "displaced")
	count(descRejects, m.kicked.Load(), "kicked")
	count(descRejects, m.denied.Load(), "denied")
	count(descFlaps, m.flaps.Load())
	for _, o := range []*outage{&g.redisOut, &g.askOut} {
		out := 0.0
		if o.since.Load() != 0 {
			out = 1
		}
		gauge(descFail, out, o.what)
	}
	count(descUnknown, m.unverified.Load())
	count(descGaps, m.gaps.Load())
	hs := g.hub.History()
	gauge(descRings, float64(hs.Rings))
	gauge(descKept, float64(hs.Messages))
	gauge(descBytes, float64(hs.Bytes))
	count(descEvicted, hs.Evicted)
	count(descBroken, hs.Broken)
	count(descFilled, hs.Filled)
	st := g.hub.Stats()
	count(descMessage, st.Messages)
	count(descResumes, st.Resumed, "complete")
	count(descResumes, st.Unresumed, "incomplete")
	count(descDeliver, st.Deliveries)
	count(descWrites, st.Writes)
	count(descSlow, st.Slow)
	count(descSilent, st.Silent)
	count(descPublish, m.published.Load(), "ok")
	count(descPublish, m.unpublished.Load(), "failed")
	up := 0.0
	if g.Ready() {
		up = 1
	}
	gauge(descRedis, up)
	m.mu.Lock()
	defer m.mu.Unlock()
	for code, n := range m.closes {
		count(descCloses, n, strconv.Itoa(int(code)))
	}
}
