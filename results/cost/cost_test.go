package cost

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDefault holds the built-in book against the prices of the method.
func TestDefault(t *testing.T) {
	b := Default()
	require.Equal(t, Store{GBMonth: 0.023, PutMillion: 5, GetMillion: 0.4}, b.S3["standard"])
	require.Equal(t, Store{GBMonth: 0.11, PutMillion: 1.13, GetMillion: 0.03, UpGB: 0.0032, DownGB: 0.0006}, b.S3["express"])
	require.Equal(t, Volume{GBMonth: 0.08, IOPSMonth: 0.005, FreeIOPS: 3000, MiBMonth: 0.04, FreeMiBPerSec: 125}, b.Volumes["gp3"])
	require.Equal(t, 0.02, b.CrossAZGB)
	require.NotEmpty(t, b.Date)
	require.NotEmpty(t, b.Source)
}

func TestParseReportsEveryFault(t *testing.T) {
	text := string(defaultBook)
	for from, to := range map[string]string{
		"date: 2026-11-27": "date: ''", "currency: USD": "currency: EUR", "instance: r6in.large": "instance: abacus",
		"cpu_share: 0.5": "cpu_share: 2", "put_million: 5,": "put_million: -5,", "zones: 3": "zones: 0",
	} {
		require.Contains(t, text, from)
		text = strings.Replace(text, from, to, 1)
	}
	_, err := Parse([]byte(text))
	for _, want := range []string{"date and source are wanted", "want USD", `scenario.instance is "abacus"`, "cpu_share", "s3.standard has a price below 0", "zones"} {
		require.ErrorContains(t, err, want)
	}
	_, err = Parse([]byte("gold: 3"))
	require.ErrorContains(t, err, "field gold not found")
	_, err = Parse(make([]byte, maxBook+1))
	require.ErrorContains(t, err, "at most")
}

func TestReadReplaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(defaultBook), "put_million: 5,", "put_million: 7,", 1)), 0o644))
	b, err := Read(file)
	require.NoError(t, err)
	require.Equal(t, 7.0, b.S3["standard"].PutMillion)
	b, err = Read("")
	require.NoError(t, err)
	require.Equal(t, 5.0, b.S3["standard"].PutMillion)
	require.NoError(t, os.WriteFile(file, []byte("]"), 0o644))
	_, err = Read(file)
	require.ErrorContains(t, err, file)
}

func TestRequests(t *testing.T) {
	r := Requests{Puts: 1e6, Gets: 2e6, PutBytes: 3 * gib, GetBytes: 5 * gib}
	require.InDelta(t, 5+0.8, r.USD(Default().S3["standard"]), 1e-9)
	require.InDelta(t, 1.13+0.06+3*0.0032+5*0.0006, r.USD(Default().S3["express"]), 1e-9)
	require.Equal(t, r.Times(2), r.Plus(r))
	require.InDelta(t, 0.023, Default().S3["standard"].Kept(gib, HoursPerMonth), 1e-12)
}

// TestRows works one example through by hand.
func TestRows(t *testing.T) {
	b := Default()
	m := Measured{CPUSeconds: 40, Requests: Requests{Puts: 50, Gets: 10}, Stored: 1, WALIOs: 20_000, WALBytes: 1.1 * gib}
	perHour := 100.0 / 1024 * 3600

	tide := b.PerGiB(Tide, m)
	require.Equal(t, 4, tide.Nodes, "3.9 cores, of which a broker gives one")
	require.InDelta(t, 4*0.1743/perHour, tide.Compute, 1e-9)
	require.InDelta(t, 50*5e-6+10*0.4e-6, tide.Requests, 1e-12)
	require.InDelta(t, 0.02*(2.0/3+2.0/3), tide.CrossAZ, 1e-12)
	require.InDelta(t, 0.023*168/730+4*10*0.08/730/perHour, tide.Storage, 1e-9, "488 IOPS and 28 MiB/s a broker are free")
	busy := m
	busy.WALIOs = 200_000 // 4,883 a second on each of 4
	extra := b.PerGiB(Tide, busy).Storage - tide.Storage
	require.InDelta(t, 4*(200_000*100.0/1024/4-3000)*0.005/730/perHour, extra, 1e-9)

	kafka := b.PerGiB(Kafka, Measured{CPUSeconds: 40})
	require.InDelta(t, 3*0.08*168/730/0.7, kafka.Storage, 1e-9)
	require.InDelta(t, 0.02*(2+2.0/3), kafka.CrossAZ, 1e-12)
	require.Zero(t, kafka.Requests)
	b.Scenario.RackAwareReads = false
	require.InDelta(t, 0.02*(2+2.0/3+2.0/3), b.PerGiB(Kafka, m).CrossAZ, 1e-12)

	tiered := b.PerGiB(KafkaTiered, m)
	require.InDelta(t, 3*0.08*6/730/0.7+0.023*168/730, tiered.Storage, 1e-9)
	b.Scenario.RateMiBPerSec, b.Scenario.CPUShare = 300, 1 // 5.9 cores… 6 brokers of 150 MiB/s each
	require.InDelta(t, 3*0.08*168/730/0.7+6*(150.0-125)*0.04/730/(300.0/1024*3600), b.PerGiB(Kafka, m).Storage, 1e-9)
}

// TestRowsGrow: whatever is measured, more of it never costs less.
func TestRowsGrow(t *testing.T) {
	b := Default()
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Float64Range(0, 1e6)
		m := Measured{draw.Draw(t, "cpu"), Requests{draw.Draw(t, "puts"), draw.Draw(t, "gets"), 0, 0}, draw.Draw(t, "stored"), draw.Draw(t, "writes"), draw.Draw(t, "bytes")}
		more := m
		more.CPUSeconds *= 2
		more.Requests = more.Requests.Times(2)
		more.Stored *= 2
		for _, k := range []Kind{Tide, Kafka, KafkaTiered} {
			r, s := b.PerGiB(k, m), b.PerGiB(k, more)
			require.GreaterOrEqual(t, s.Requests, r.Requests)
			require.GreaterOrEqual(t, s.Compute, r.Compute)
			require.False(t, math.IsNaN(r.Sum()) || r.Sum() < 0)
			require.NotEmpty(t, k.String())
		}
	})
	require.Contains(t, b.Scenario.String(), "kept 168 h")
}
