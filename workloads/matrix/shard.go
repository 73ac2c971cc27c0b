package matrix

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Shard is one of Of parts of a matrix, by trial: every Of-th one in the order
// in which they would run. So each part holds all cells, as far as it is large
// enough, and a slower machine among those that share the work is noise of every
// cell and not a property of some. The zero Shard is the whole.
type Shard struct {
	Index int // from 0
	Of    int
}

// maxShards is what any array job takes.
const maxShards = 10_000

// arrayIndices are where job engines say which of their tasks this is: AWS
// Batch, Kubernetes (an Indexed Job) and Slurm. Slurm's arrays may begin
// anywhere, and it says where.
var arrayIndices = []struct{ index, first string }{
	{"AWS_BATCH_JOB_ARRAY_INDEX", ""},
	{"JOB_COMPLETION_INDEX", ""},
	{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN"},
}

// ParseShard reads "i/n", or "auto/n", where i comes from the job engine's
// environment. Counting from 0 and from 1 both work: n/n is 0/n.
func ParseShard(text string, getenv func(string) string) (Shard, error) {
	index, of, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(of)
	if !ok || err != nil || n < 1 || n > maxShards {
		return Shard{}, fmt.Errorf("shard %q: want i/n or auto/n with n from 1 to %d", text, maxShards)
	}
	if index == "auto" {
		i, err := arrayIndex(getenv)
		if err == nil && (i < 0 || i > n) {
			err = fmt.Errorf("the task is number %d of an array, want 0 to %d", i, n-1)
		}
		if err != nil {
			return Shard{}, fmt.Errorf("shard %q: %w", text, err)
		}
		return Shard{i % n, n}, nil
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i > n {
		return Shard{}, fmt.Errorf("shard %q: want i from 0 to %d, or from 1 to %d", text, n-1, n)
	}
	return Shard{i % n, n}, nil
}

func arrayIndex(getenv func(string) string) (int, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	var names []string
	for _, a := range arrayIndices {
		names = append(names, a.index)
		text := getenv(a.index)
		if text == "" {
			continue
		}
		i, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("%s is %q, want a number", a.index, text)
		}
		first, err := strconv.Atoi(getenv(a.first))
		if err != nil {
			first = 0 // not given
		}
		return i - first, nil
	}
	return 0, fmt.Errorf("none of %s is set: this is no task of an array", strings.Join(names, ", "))
}

// Dir is the name of the shard's directory below that of the matrix.
func (s Shard) Dir() string { return fmt.Sprintf("%s%05d-of-%05d", shardPrefix, s.Index, s.Of) }

const shardPrefix = "shard-"

// String is i/n as it was given, counted from 0.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Only leaves the trials of one shard. The seed decides their order, so all
// shards agree on who does what without a word between them.
func (p Plan) Only(s Shard) Plan {
	if s.Of == 0 {
		return p
	}
	all := p.Trials
	p.Trials, p.Shard = nil, s
	for i := s.Index; i < len(all); i += s.Of {
		p.Trials = append(p.Trials, all[i])
	}
	return p
}
