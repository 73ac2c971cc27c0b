// Command tide is the one binary of the project: the broker, the benchmark
// suite around it, and the small tools. Each verb is one file here: it parses
// its flags, wires packages together and prints; no logic lives in this folder.
//
// Exit codes: 0 done, 1 failed, 2 bad usage, 3 done but a verdict is INVALID.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of every verb.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitInvalid = 3
)

// errInvalid is returned by a verb that finished but whose verdict is INVALID.
// The verb has printed the reasons and hints already, so main prints nothing.
var errInvalid = errors.New("verdict is INVALID")

// usageError marks a mistake in flags or arguments that only the verb itself
// could find.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// stdio is where a verb prints. Results go to out; everything that a person
// reads while waiting goes to err, so that --json leaves out clean.
type stdio struct {
	out io.Writer
	err io.Writer
}

// verb is one command. Its struct holds the flags and has
//
//	Run(ctx context.Context, std *stdio) error
//
// where ctx ends on SIGINT or SIGTERM.
type verb struct {
	name string
	help string
	cmd  any
	tags []string // of kong
}

// verbs is filled by the init function of each verb's file, so that another
// verb is another file and nothing else.
var verbs []verb

func register(name, help string, cmd any) {
	verbs = append(verbs, verb{name: name, help: help, cmd: cmd})
}

// registerHidden registers a verb that other verbs start, and no person.
func registerHidden(name, help string, cmd any) {
	verbs = append(verbs, verb{name: name, help: help, cmd: cmd, tags: []string{`hidden:""`}})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once, whatever the first one waits for.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], &stdio{out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, std *stdio) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(std.err, nil)))
	var root struct{}
	exited, exitCode := false, 0
	parser, err := kong.New(&root, append(options(ctx, std),
		kong.Exit(func(code int) { exited, exitCode = true, code }))...)
	if err != nil {
		panic(fmt.Sprintf("command line definition: %v", err))
	}
	kctx, err := parser.Parse(args)
	if exited { // --help was printed
		return exitCode
	}
	if err != nil {
		fmt.Fprintf(std.err, "tide: %v\nSee tide --help.\n", err)
		return exitUsage
	}
	return reportError(std, kctx.Run())
}

func options(ctx context.Context, std *stdio) []kong.Option {
	opts := []kong.Option{
		kong.Name("tide"),
		kong.Description("A Kafka broker on object storage behind a write-ahead log, and the benchmarks around it."),
		kong.DefaultEnvars("TIDE"),
		kong.Configuration(loadConfig),
		kong.Writers(std.out, std.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	}
	for _, v := range verbs {
		opts = append(opts, kong.DynamicCommand(v.name, v.help, "", v.cmd, v.tags...))
	}
	return opts
}

// reportError turns a verb's error into one line on stderr and an exit code.
func reportError(std *stdio, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errInvalid):
		return exitInvalid
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "tide: %v\nSee tide --help.\n", err)
		return exitUsage
	case errors.Is(err, context.Canceled): // only a signal ends the context of a verb
		fmt.Fprintf(std.err, "tide: interrupted (%v)\n", err)
		return exitFailed
	default:
		fmt.Fprintf(std.err, "tide: %v\n", err)
		return exitFailed
	}
}
