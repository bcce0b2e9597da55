package channel_test

import (
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
)

func benchRules(tb testing.TB) *channel.Rules {
	return compile(tb, &channel.Account{Pattern: "msg:{account}"},
		channel.Config{Pattern: "news"},
		channel.Config{Pattern: "data_imei:{id}"},
		channel.Config{Pattern: "room/{a}/{b}", Redis: "{claims.tenant}:{a}:{b}"})
}

func TestMatchAllocates(t *testing.T) {
	r := benchRules(t)
	for command, most := range map[string]float64{"msg:1": 0, "data_imei:861234567890123": 0, "nothing": 0, "room/a/b": 1} {
		if got := testing.AllocsPerRun(100, func() { _, _ = r.Match(command, ann) }); got > most {
			t.Errorf("%s: %v allocations, want at most %v", command, got, most)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	r := benchRules(b)
	for name, command := range map[string]string{
		"account": "msg:1", "part": "data_imei:861234567890123", "template": "room/a/b",
		"unknown": "data_imei:*", "long": "data_imei:" + strings.Repeat("x", 8000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.Match(command, ann)
			}
		})
	}
}
