package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tidelog/tide/internal/bounded"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/matrix"
	"github.com/tidelog/tide/workloads/target"
)

func init() {
	register("matrix", "Run every combination of some axes, workloads and targets, several times each.", &matrixCmd{})
}

// matrixCmd is `tide matrix`.
type matrixCmd struct {
	Plan   matrixPlanCmd   `cmd:"" help:"Print cells, time and price, or every reason why it cannot run here. Starts and installs nothing; what a target needs and the machine lacks is named."`
	Run    matrixRunCmd    `cmd:"" help:"Run what is left of it: in random order, repeats interleaved, each trial a process of its own."`
	Status matrixStatusCmd `cmd:"" help:"Say what is done of it."`
	Merge  matrixMergeCmd  `cmd:"" help:"Make one matrix of the directories of several shards or machines, or of a prefix in S3."`
}

// matrixFlags name a matrix, its directory, and a part of it.
type matrixFlags struct {
	File  string `arg:"" help:"YAML file, or a built-in matrix by its name, such as f1."`
	Out   string `help:"Directory of the results; with --shard, each shard has one below it. Default ./tide-runs/NAME, or NAME-quick." placeholder:"DIR"`
	Shard string `help:"Only the i-th of n parts of the trials, counted from 0 or from 1; auto/n takes i from the environment of AWS Batch, Slurm or a Kubernetes Indexed Job." placeholder:"I/N"`
	Quick bool   `help:"Fewer points where the matrix says so, two repeats, and short trials. Not quotable."`
}

// prepared is a plan and where it runs.
type prepared struct {
	matrix.Plan
	root string // directory of the matrix
	dir  string // of the shard, or root
}

// content of a file, or of a built-in matrix.
func matrixContent(name string) ([]byte, error) {
	if slices.Contains(workloads.MatrixNames(), name) {
		return workloads.Matrix(name)
	}
	content, err := bounded.Read(name, matrix.MaxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("matrix %s: no such file, and the built-in ones are %s", name, strings.Join(workloads.MatrixNames(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	return content, nil
}

// prepare works the matrix out for this machine; without a way to reach targets,
// without a look at what the machine has.
func (f matrixFlags) prepare(ctx context.Context, reach func(context.Context, target.Spec) error) (prepared, error) {
	content, err := matrixContent(f.File)
	if err != nil {
		return prepared{}, usageError{err}
	}
	on := matrix.Machine{Out: f.Out, Reach: reach, Flags: checkBroker}
	if f.Out == "" {
		on.Out = "tide-runs"
	}
	if reach == nil {
		on.Reach, on.Flags, on.Free = nil, nil, func(string) int64 { return 0 }
	}
	plan, err := matrix.Prepare(ctx, content, f.Quick, on)
	if err != nil {
		return prepared{}, usageError{fmt.Errorf("%s: %w", f.File, err)}
	}
	p := prepared{Plan: plan, root: f.Out}
	if f.Out == "" {
		p.root = filepath.Join("tide-runs", plan.Matrix.Name)
		if f.Quick {
			p.root += "-quick"
		}
	}
	p.dir = p.root
	if f.Shard != "" {
		shard, err := matrix.ParseShard(f.Shard, os.Getenv)
		if err != nil {
			return prepared{}, usageError{err}
		}
		p.Plan, p.dir = plan.Only(shard), filepath.Join(p.root, shard.Dir())
	}
	return p, nil
}

// dirs that hold results of the plan: the matrix's own and its shards', or only
// the one that was asked for.
func (p prepared) dirs() []string {
	if p.Shard.Of > 0 {
		return []string{p.dir}
	}
	found, _ := results.FindMatrices(p.root) // not there: nothing is done
	return found
}

// matrixPlanCmd is `tide matrix plan`.
type matrixPlanCmd struct {
	matrixFlags
	Prices   string `help:"Price book (YAML) in place of the built-in one." placeholder:"FILE"`
	Instance string `help:"Type of the machine that it will run on, for the price of its time: one of the price book's. Default: this machine, which costs nothing." placeholder:"TYPE"`
	JSON     bool   `name:"json" help:"Print one JSON object instead of text."`
}

// planned is what plan prints.
type planned struct {
	Name     string        `json:"name"`
	Seed     uint64        `json:"seed"`
	Quick    bool          `json:"quick"`
	Shard    string        `json:"shard,omitempty"`
	Cells    []plannedCell `json:"cells"`
	Trials   int           `json:"trials"`
	Done     int           `json:"done"`
	Seconds  float64       `json:"seconds"`    // of those left
	Disk     int64         `json:"disk_bytes"` // while it runs
	USD      float64       `json:"usd"`        // of those left
	Prices   string        `json:"prices"`
	PriceFor []string      `json:"price_is_for"`
	Dir      string        `json:"dir"`
	Installs []string      `json:"installs,omitempty"` // what run installs first
}

type plannedCell struct {
	ID        string            `json:"cell"`
	Workload  string            `json:"workload"`
	Settings  map[string]string `json:"settings"`
	Simulated string            `json:"simulated,omitempty"`
	Trials    int               `json:"trials"`
	Seconds   float64           `json:"seconds"` // of one trial
}

// Run prints cells, time and price.
func (c *matrixPlanCmd) Run(ctx context.Context, std *stdio) error {
	book, errBook := cost.Read(c.Prices)
	var lacks lacking
	p, err := c.prepare(ctx, lacks.look)
	if err := errors.Join(err, errBook); err != nil {
		return usageError{err}
	}
	out, err := c.planned(p, book)
	out.Installs = lacks.sorted()
	if err != nil {
		return usageError{err}
	}
	if c.JSON {
		return json.NewEncoder(std.out).Encode(out)
	}
	out.print(std.out)
	return nil
}

func (c *matrixPlanCmd) planned(p prepared, book cost.Book) (planned, error) {
	status := p.StatusOf(p.dirs())
	out := planned{
		Name: p.Matrix.Name, Seed: p.Matrix.Seed, Quick: c.Quick, Trials: len(p.Trials), Done: status.Done,
		Seconds: status.Estimate.Seconds(), Disk: p.Disk(), Prices: book.Name + ", " + book.Source, Dir: p.dir,
	}
	if p.Shard.Of > 0 {
		out.Shard = p.Shard.String()
	}
	trials := map[string]int{}
	for _, t := range p.Trials {
		trials[t.Cell.ID]++
	}
	for _, cell := range p.Cells {
		out.Cells = append(out.Cells, plannedCell{cell.ID, cell.Workload, cell.Settings, cell.Simulated, trials[cell.ID], cell.Length.Seconds()})
	}
	price := p.Price(status.Keys, book.S3[book.Scenario.S3])
	out.USD = price.USD
	for _, s := range price.Paid {
		out.PriceFor = append(out.PriceFor, fmt.Sprintf("%s, as S3 %s: %.0f PUTs, %.0f GETs", s, book.Scenario.S3, price.Requests.Puts, price.Requests.Gets))
	}
	if len(price.Paid) == 0 {
		out.PriceFor = append(out.PriceFor, "targets, logs and stores are local, and cost nothing")
	}
	for _, u := range price.Unknown {
		out.PriceFor = append(out.PriceFor, u+" runs already: what it costs is not known here")
	}
	if c.Instance != "" {
		i, ok := book.Instances[c.Instance]
		if !ok {
			return planned{}, fmt.Errorf("instance %s is not in the price book %s", c.Instance, book.Name)
		}
		out.USD += i.Hour * status.Estimate.Hours()
		out.PriceFor = append(out.PriceFor, fmt.Sprintf("%.2f h of %s at $%.4g", status.Estimate.Hours(), c.Instance, i.Hour))
	}
	return out, nil
}

func (p planned) print(w io.Writer) {
	varied := varying(p.Cells)
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault // names of axes are written small
	head := table.Row{"cell", "workload"}
	for _, axis := range varied {
		head = append(head, axis)
	}
	t.AppendHeader(append(head, "trials", "s each", "simulated"))
	for _, c := range p.Cells {
		row := table.Row{c.ID, c.Workload}
		for _, axis := range varied {
			row = append(row, c.Settings[axis])
		}
		t.AppendRow(append(row, c.Trials, fmt.Sprintf("%.1f", c.Seconds), c.Simulated))
	}
	t.Render()
	left := time.Duration(p.Seconds * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(w, "%s: %d cells, %d trials, %d of them done; about %v to go, up to %.1f GiB of disk\n",
		p.Name, len(p.Cells), p.Trials, p.Done, left, float64(p.Disk)/(1<<30))
	if p.Shard != "" {
		fmt.Fprintf(w, "shard %s of all trials\n", p.Shard)
	}
	fmt.Fprintf(w, "order: random, seed %d, repeats interleaved\n", p.Seed)
	fmt.Fprintf(w, "price: $%.2f: %s (prices: %s)\n", p.USD, strings.Join(p.PriceFor, "; "), p.Prices)
	for _, what := range p.Installs {
		fmt.Fprintf(w, "installed first, by run (scripts/deps): %s\n", what)
	}
	fmt.Fprintf(w, "results: %s\n", p.Dir)
}

// varying are the settings that tell cells apart.
func varying(cells []plannedCell) []string {
	seen := map[string]map[string]bool{}
	for _, c := range cells {
		for k, v := range c.Settings {
			if seen[k] == nil {
				seen[k] = map[string]bool{}
			}
			seen[k][v] = true
		}
	}
	var out []string
	for k, vs := range seen {
		if len(vs) > 1 {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}
