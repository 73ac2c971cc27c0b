package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Interval is one line of an hlog file.
type Interval struct {
	Start, End time.Time // to the millisecond
	Phase      string    // the line's tag
	Hist       *Sparse
}

// hlogWriter appends intervals to one file.
type hlogWriter struct {
	file *os.File
	buf  *bufio.Writer
	log  *hdrhistogram.HistogramLogWriter
}

func createHlog(dir string, s Series, start time.Time) (*hlogWriter, error) {
	f, err := os.Create(filepath.Join(dir, s.file()))
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
	list, line, err := readHlog(f)
	if err != nil {
		return nil, &BrokenFile{path, line, err}
	}
	return list, nil
}

// maxIntervals of one file: a day, one a second. A longer file is not ours.
const maxIntervals = 1 << 17

// maxValue that the histograms of a trial can hold, ns: with three digits up to
// an hour, they end where the next power of two begins.
const maxValue = 1<<42 - 1

// readHlog returns the line of what is wrong.
func readHlog(r io.Reader) (list []Interval, line int, err error) {
	in := newLines(r, maxHlog, checkHlogLine)
	log := hdrhistogram.NewHistogramLogReader(in)
	for {
		h, err := log.NextIntervalHistogram()
		switch {
		case err != nil:
			return nil, in.line, err
		case h == nil && in.line == 0:
			return nil, 0, errors.New("the file is empty: it has not even the header of an HdrHistogram log")
		case h == nil:
			return list, 0, nil
		case len(list) == maxIntervals:
			return nil, in.line, fmt.Errorf("more than %d intervals", maxIntervals)
		case h.Max() > maxValue || h.ByteSize() > 2*NewHistogram().ByteSize():
			return nil, in.line, errors.New("a histogram with other bounds than up to an hour with three digits")
		}
		list = append(list, Interval{
			Start: time.UnixMilli(h.StartTimeMs()), End: time.UnixMilli(h.EndTimeMs()),
			Phase: h.Tag(), Hist: NewSparse(h),
		})
	}
}

// intervalLine is [Tag=T,]start,length,max,histogram.
var intervalLine = regexp.MustCompile(`^(Tag=[^,\s]*,)?[0-9.]+,[0-9.]+,[0-9.]+,[A-Za-z0-9+/=]+\s*$`)

// checkHlogLine refuses what the library would pass over in silence, such as a
// line that was cut: it would be missing in every percentile.
func checkHlogLine(line []byte) error {
	switch {
	case line[0] == '#', bytes.HasPrefix(line, []byte(`"StartTimestamp"`)), intervalLine.Match(line):
		return nil
	}
	return errors.New("neither a comment nor an interval of an HdrHistogram log")
}
