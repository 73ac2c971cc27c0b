package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/iotest"
)

// history makes a small one: a write of two blocks, one of one, which is
// completed first, an acknowledgement, and a write that fails.
func history(t *testing.T) *Recorder {
	rec := NewRecorder(make([]byte, 16*block))
	p, _ := disk(t, Config{Recorder: rec, Rules: []Rule{
		{Kind: Delay, Nth: 1, After: 1}, {Kind: Error, Nth: 3},
	}})
	done := 0
	a, b := iotest.Write(p, 0, 0, 2, 'a', &done), iotest.Write(p, 2, 2, 1, 'b', &done)
	b.Done = func(*iopath.Write) { done++; rec.Mark("ack b") }
	require.NoError(t, p.Submit([]*iopath.Write{a, b}))
	for done < 2 {
		_, err := p.Reap(2 - done)
		require.NoError(t, err)
	}
	require.Error(t, iotest.Do(t, p, iotest.Write(p, 4, 0, 1, 'c', nil)))
	return rec
}

// TestCrashImages lists every image of every moment of the history.
func TestCrashImages(t *testing.T) {
	var lines []string
	err := history(t).CrashImages(CrashOptions{}, func(c Crash) error {
		lines = append(lines, fmt.Sprintf("%d %q %v", c.Cut, marks(c.Image, 3), c.Marks))
		c.Image[0] = 'x' // the callee may
		return nil
	})
	require.NoError(t, err)
	want := map[int]string{
		0: `\0\0\0`,
		1: `\0\0\0 a\0\0 \0a\0 aa\0`,
		2: `\0\0\0 a\0\0 \0a\0 aa\0 \0\0b a\0b \0ab aab`,
		3: `\0\0b a\0b \0ab aab`, 4: `\0\0b a\0b \0ab aab`, // completed; acknowledged
		5: `aab`, 6: `aab cab`, 7: `aab cab`, // failed is not the same as absent
	}
	var expected []string
	for cut, images := range want {
		ack := "[]"
		if cut >= 4 {
			ack = "[ack b]"
		}
		for image := range strings.FieldsSeq(images) {
			expected = append(expected, fmt.Sprintf("%d %q %s", cut, strings.ReplaceAll(image, `\0`, "\x00"), ack))
		}
	}
	sort.Strings(expected)
	sort.Strings(lines)
	require.Equal(t, expected, lines)
}

func TestCrashImagesAreBounded(t *testing.T) {
	rec := NewRecorder(make([]byte, 16*block))
	p, _ := disk(t, Config{Recorder: rec, Rules: []Rule{{Kind: Hang}}})
	require.NoError(t, p.Submit([]*iopath.Write{iotest.Write(p, 0, 0, 12, 1, nil)}))
	perCut := map[int]int{}
	var blocks []string
	count := func(c Crash) error {
		perCut[c.Cut]++
		blocks = append(blocks, c.Blocks)
		require.Equal(t, strings.Count(c.Blocks, "1"), c.Present)
		return nil
	}
	options := CrashOptions{PerCut: 10, Rand: rand.New(rand.NewPCG(3, 3))}
	require.NoError(t, rec.CrashImages(options, count))
	require.Equal(t, map[int]int{0: 1, 1: 10}, perCut)
	require.Contains(t, blocks, strings.Repeat("0", 12))
	require.Contains(t, blocks, strings.Repeat("1", 12))

	clear(perCut)
	options.Cuts = 1
	require.NoError(t, rec.CrashImages(options, count))
	require.Len(t, perCut, 1)
}

func TestCrashNamesItself(t *testing.T) {
	broken := errors.New("record 3 is missing")
	err := history(t).CrashImages(CrashOptions{}, func(c Crash) error {
		if c.Cut == 2 && c.Blocks == "101" {
			return broken
		}
		return nil
	})
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "power cut after 2 events, 2 of 3 undecided blocks present (101): record 3 is missing")
}
