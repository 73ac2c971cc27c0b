package matrix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	s3Scheme = "s3://"
	// claimFile names the prefix that the trial under way writes below, so that
	// it is emptied even where the matrix was killed.
	claimFile = ".store-under-test"
	// emptyTimeout is how long the removal of what a trial has put may take.
	emptyTimeout = 10 * time.Minute
)

// name of a trial that no other one has, in any run of any shard.
func (t Trial) name(started time.Time) string {
	arm := ""
	if t.AA {
		arm = "-aa"
	}
	return fmt.Sprintf("trial-%s-%d%s-%d", t.Cell.ID, t.Repeat, arm, started.UnixNano())
}

// trialName matches what name makes.
var trialName = regexp.MustCompile(`^trial-[0-9a-f]+-[0-9]+(-aa)?-[0-9]+$`)

// IsTrialPrefix says that a prefix of a bucket is one that ownStore has made. No
// other is ever emptied, whatever a claim says.
func IsTrialPrefix(prefix string) bool { return trialName.MatchString(path.Base(prefix)) }

// ownStore gives the target of a command line a prefix of its own in a store
// that outlives it, below the one that the matrix names: two brokers in one
// prefix would take each other's objects for their own.
//
//	--target tide?store=s3://b/p?region=r   ▶   …store=s3://b/p/NAME?region=r
//
// store is that URL; empty where the target keeps nothing in S3.
func ownStore(args []string, name string) (own []string, store string, err error) {
	i := slices.Index(args, "--target")
	if i < 0 || i+1 == len(args) {
		return args, "", nil
	}
	kind, query, _ := strings.Cut(args[i+1], "?")
	keys, err := url.ParseQuery(query)
	if err != nil {
		return nil, "", fmt.Errorf("target %q: %w", args[i+1], err)
	}
	if !strings.HasPrefix(keys.Get("store"), s3Scheme) {
		return args, "", nil
	}
	at, settings, given := strings.Cut(keys.Get("store"), "?")
	store = strings.TrimRight(at, "/") + "/" + name
	if given {
		store += "?" + settings
	}
	keys.Set("store", store)
	own = slices.Clone(args)
	own[i+1] = kind + "?" + keys.Encode()
	return own, store, nil
}

// claim notes down which prefix is about to be written below.
func (cfg Config) claim(store string) error {
	if store == "" {
		return nil
	}
	f, err := os.OpenFile(cfg.claimed(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, store)
	return errors.Join(err, f.Close())
}

func (cfg Config) claimed() string { return filepath.Join(cfg.Out, claimFile) }

// release empties the prefixes that were claimed. It goes on when ctx has ended:
// what a trial has put is paid for. What cannot be emptied stays claimed, and is
// tried again after the next trial.
func (cfg Config) release(ctx context.Context) error {
	claimed, err := os.ReadFile(cfg.claimed())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var left []string
	for line := range strings.Lines(string(claimed)) {
		store, whole := strings.CutSuffix(line, "\n")
		if !whole || store == "" {
			continue // its trial had not begun: a claim is written before
		}
		_, errEmpty := runChild(context.WithoutCancel(ctx), cfg.Binary, []string{"s3-empty", store}, emptyTimeout)
		if errEmpty != nil {
			left = append(left, store)
			err = errors.Join(err, fmt.Errorf("what a trial has put into %s is still there: %w; remove it, and its line in %s", store, errEmpty, cfg.claimed()))
		}
	}
	if len(left) > 0 {
		return errors.Join(err, os.WriteFile(cfg.claimed(), []byte(strings.Join(left, "\n")+"\n"), 0o600))
	}
	return os.Remove(cfg.claimed())
}
