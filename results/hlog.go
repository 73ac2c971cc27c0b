package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Interval is one line of an hlog file.
type Interval struct {
	Start, End time.Time // to the millisecond
	Phase      string    // the line's tag
	Hist       *hdrhistogram.Histogram
}

// hlogWriter appends intervals to one file.
type hlogWriter struct {
	file *os.File
	buf  *bufio.Writer
	log  *hdrhistogram.HistogramLogWriter
}

func createHlog(dir string, s Series, start time.Time) (*hlogWriter, error) {
	f, err := os.Create(filepath.Join(dir, s.String()+".hlog"))
	if err != nil {
		return nil, err
	}
	w := &hlogWriter{file: f, buf: bufio.NewWriter(f)}
	w.log = hdrhistogram.NewHistogramLogWriter(w.buf)
	// Time stamps are absolute. A base time would make them shorter, but the
	// writer cuts it to whole seconds and readers then shift every interval.
	return w, errors.Join(
		w.log.OutputLogFormatVersion(),
		w.log.OutputComment("tide "+s.String()+", nanoseconds; the maximum is in milliseconds"),
		w.log.OutputStartTime(start.UnixMilli()),
		w.log.OutputLegend(),
	)
}

// write appends one interval. Each is flushed, so that a trial that is killed
// leaves what it measured.
func (w *hlogWriter) write(start, end time.Time, phase string, h *hdrhistogram.Histogram) error {
	h.SetTag(phase)
	h.SetStartTimeMs(start.UnixMilli())
	h.SetEndTimeMs(end.UnixMilli())
	return errors.Join(w.log.OutputIntervalHistogram(h), w.buf.Flush())
}

func (w *hlogWriter) close() error { return errors.Join(w.buf.Flush(), w.file.Close()) }

// ReadHlog reads a file that this package, or any HdrHistogram library, wrote.
func ReadHlog(path string) ([]Interval, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := readHlog(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// maxIntervals of one file: a day, one a second. A longer file is not ours.
const maxIntervals = 1 << 17

func readHlog(r io.Reader) ([]Interval, error) {
	log := hdrhistogram.NewHistogramLogReader(r)
	var list []Interval
	for {
		h, err := log.NextIntervalHistogram()
		if err != nil {
			return nil, fmt.Errorf("interval %d: %w", len(list), err)
		}
		if h == nil {
			return list, nil
		}
		if len(list) == maxIntervals {
			return nil, fmt.Errorf("more than %d intervals", maxIntervals)
		}
		list = append(list, Interval{
			Start: time.UnixMilli(h.StartTimeMs()), End: time.UnixMilli(h.EndTimeMs()),
			Phase: h.Tag(), Hist: h,
		})
	}
}
