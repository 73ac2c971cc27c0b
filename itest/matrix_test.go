package itest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// A matrix of trials that are as short as they can be.
const (
	matrixWorkload = `
name: tiny
partitionsPerTopic: 2
messageSize: 100
producersPerTopic: 1
subscriptionsPerTopic: 1
consumerPerSubscription: 1
closed: true
inFlight: 16384
warmupDurationMinutes: 0.005
testDurationMinutes: 0.01
`
	matrixFile = `
name: tiny
workloads: [%q]
axes: {wal.path: [pwrite, mem], wal.capacity: [64MiB], upload-threshold: [16MiB], load.messageSize: [100]}
repeats: 3
aa: true
seed: %d
`
)

// matrixRun is what a test does with one matrix.
type matrixRun struct {
	t         *testing.T
	file, out string
}

func newMatrixRun(t *testing.T) matrixRun {
	dir := t.TempDir()
	workload, file := filepath.Join(dir, "tiny.yaml"), filepath.Join(dir, "matrix.yaml")
	require.NoError(t, os.WriteFile(workload, []byte(matrixWorkload), 0o644))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, matrixFile, workload, *seed), 0o644))
	return matrixRun{t, file, filepath.Join(dir, "out")}
}

// command is `tide matrix VERB FILE …`.
func (m matrixRun) command(verb string, more ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*clientWithin)
	m.t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, *tide, append([]string{"matrix", verb, m.file}, more...)...)
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, errs, dieWithParent()
	return cmd, out, errs
}

type matrixStatus struct{ Done, Invalid, Failed, Left int }

func (m matrixRun) run(verb string, more ...string) matrixStatus {
	cmd, out, errs := m.command(verb, append(more, "--json")...)
	require.NoError(m.t, cmd.Run(), errs)
	var s matrixStatus
	require.NoError(m.t, json.Unmarshal(out.Bytes(), &s), out)
	return s
}

// TestMatrixKill9 kills a matrix of real trials, and everything it has started
// goes with it; started again it does the rest.
func TestMatrixKill9(t *testing.T) {
	m := newMatrixRun(t)
	rng := rand.New(rand.NewPCG(*seed, 0))
	for range 2 {
		before := len(m.lines())
		cmd, _, errs := m.command("run", "--out", m.out)
		require.NoError(t, cmd.Start())
		after := before + rng.IntN(3)
		until(t, "a trial runs", func() bool { return len(m.lines()) >= after && m.underWay() })
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait(), errs)
		until(t, "what it had started is gone", func() bool { return len(processesOf(m.out)) == 0 })
	}
	done := m.lines()
	require.Equal(t, matrixStatus{Done: 9}, m.run("run", "--out", m.out))
	all := m.lines()
	require.Len(t, all, 9, "each trial has one line: none was repeated that had ended")
	require.Equal(t, done, all[:len(done)])
	entries, err := os.ReadDir(filepath.Join(m.out, "trials"))
	require.NoError(t, err)
	require.Len(t, entries, 9, "what the killed ones left is removed")
}

// lines of trials.jsonl.
func (m matrixRun) lines() []string {
	content, err := os.ReadFile(filepath.Join(m.out, "trials.jsonl"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")[:bytes.Count(content, []byte("\n"))]
}

// underWay says that a broker has its data there.
func (m matrixRun) underWay() bool {
	found, err := filepath.Glob(filepath.Join(m.out, "trials", ".bench-data-*", "*"))
	return err == nil && len(found) > 0
}

// processesOf are those whose command line names a directory.
func processesOf(dir string) []string {
	var out []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			out = append(out, name)
		}
	}
	return out
}

// TestMatrixFromS3 runs two shards, as two tasks of an array job would, copies
// them to a bucket, and merges what is there.
func TestMatrixFromS3(t *testing.T) {
	m := newMatrixRun(t)
	for i := range 2 {
		t.Setenv("AWS_BATCH_JOB_ARRAY_INDEX", fmt.Sprint(i))
		m.run("run", "--out", m.out, "--shard", "auto/2")
	}
	server := startS3(t, "versitygw")
	client := server.client(t)
	require.NoError(t, filepath.WalkDir(m.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		key, err := filepath.Rel(m.out, path)
		require.NoError(t, err)
		_, err = client.PutObject(t.Context(), &awss3.PutObjectInput{
			Bucket: aws.String(s3Bucket), Key: aws.String("results/" + filepath.ToSlash(key)), Body: bytes.NewReader(content),
		})
		return err
	}))
	_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{
		Bucket: aws.String(s3Bucket), Key: aws.String("results/broken/matrix.json"), Body: strings.NewReader("{"),
	})
	require.NoError(t, err)

	merged := filepath.Join(t.TempDir(), "merged")
	require.Equal(t, matrixStatus{Done: 9}, m.run("merge", storeURL(server.addr, "results"), "--out", merged))
	entries, err := os.ReadDir(filepath.Join(merged, "trials"))
	require.NoError(t, err)
	require.Len(t, entries, 9)
	said, err := os.ReadFile(filepath.Join(merged, "merge.json"))
	require.NoError(t, err)
	require.Contains(t, string(said), "s3://"+s3Bucket+"/results/broken is broken and left out")
}

// TestMatrixPush: shards push as they run, into one prefix, and what is there is
// whole; a task begun again on a new disk takes nobody's place.
func TestMatrixPush(t *testing.T) {
	server := startS3(t, "versitygw")
	url := storeURL(server.addr, "results")
	m := newMatrixRun(t)
	t.Setenv("AWS_BATCH_JOB_ARRAY_INDEX", "0")
	m.run("run", "--out", m.out, "--shard", "auto/2", "--push", url)

	other := filepath.Join(t.TempDir(), "new-disk")
	cmd, _, errs := m.command("run", "--out", other, "--shard", "auto/2", "--push", url)
	require.Error(t, cmd.Run())
	require.Contains(t, errs.String(), "a push would lose them: give --push a prefix of its own")
	require.NoDirExists(t, other, "nothing was begun")

	t.Setenv("AWS_BATCH_JOB_ARRAY_INDEX", "1")
	m.run("run", "--out", m.out, "--shard", "auto/2", "--push", url)
	merged := filepath.Join(t.TempDir(), "merged")
	require.Equal(t, matrixStatus{Done: 9}, m.run("merge", url, "--out", merged))
	entries, err := os.ReadDir(filepath.Join(merged, "trials"))
	require.NoError(t, err)
	require.Len(t, entries, 9)
}

// TestMatrixInS3: brokers that keep their objects in a store of the user's leave
// nothing there, and take nothing away: not beside the prefix, whose name has a
// blank, and not where its name would end at that.
func TestMatrixInS3(t *testing.T) {
	server := startS3(t, "versitygw")
	client := server.client(t)
	ours := []string{"my data/theirs", "my data/trial-of-theirs/x", "my/theirs"}
	for _, key := range ours {
		_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(s3Bucket), Key: aws.String(key), Body: strings.NewReader("x")})
		require.NoError(t, err)
	}
	m := newMatrixRun(t)
	workload := filepath.Join(filepath.Dir(m.file), "tiny.yaml")
	file := fmt.Appendf(nil, "name: tiny\nworkloads: [%q]\naxes: {store: [%q], wal.capacity: [64MiB], upload-threshold: [1MiB]}\nrepeats: 1\n", workload, storeURL(server.addr, "my data"))
	require.NoError(t, os.WriteFile(m.file, file, 0o644))
	require.Equal(t, 1, m.run("run", "--out", m.out).Done)
	require.NotContains(t, m.lines()[0], `"run.put_bytes_per_byte":0,`)
	ran, err := filepath.Glob(filepath.Join(m.out, "trials", "*", "run.json"))
	require.NoError(t, err)
	require.Len(t, ran, 1)
	content, err := os.ReadFile(ran[0])
	require.NoError(t, err)
	require.Regexp(t, `"broker.store": "s3://tide-itest/my data/trial-[0-9a-f]+-1-\d+\?`, string(content), "the trial had a prefix of its own")

	listed, err := client.ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String(s3Bucket)})
	require.NoError(t, err)
	var left []string
	for _, o := range listed.Contents {
		left = append(left, aws.ToString(o.Key))
	}
	require.ElementsMatch(t, ours, left)
	require.NoFileExists(t, filepath.Join(m.out, ".store-under-test"))
}
