package figures

import (
	"fmt"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
)

// f08Unit is the largest write that EBS counts as one I/O, bytes.
const f08Unit = 256 << 10

// Price of a GiB by what one trial measured, as F8 has it. False for a target that
// F8 does not know, and where CPU or uploads were not measured.
func Price(t results.CellTrial, book cost.Book) (cost.Rows, bool) {
	on := kindOf(results.Cell{Settings: t.Settings})
	for _, k := range f08Kinds {
		if k.on == on && t.Error == "" {
			rows, err := priceOf(book, k.kind, func(key string) (float64, error) {
				if v, ok := t.Number(key); ok {
					return v, nil
				}
				return 0, fmt.Errorf("%w: no %s", ErrNoData, key)
			})
			return rows, err == nil
		}
	}
	return cost.Rows{}, false
}

// priceOf a system, by numbers of its trials. Its CPU has to be there, and of one
// that keeps objects its uploads. Requests are counted for each GiB that is put,
// since a short phase may end between two uploads; each byte is put once at least,
// and kept once.
func priceOf(book cost.Book, k cost.Kind, number func(key string) (float64, error)) (cost.Rows, error) {
	cpu, err := number("run target CPU per GiB")
	if err != nil {
		return cost.Rows{}, fmt.Errorf("%w: no CPU of %v", err, k)
	}
	if k == cost.Kafka {
		return book.PerGiB(k, cost.Measured{CPUSeconds: cpu}), nil
	}
	puts, err := number("run.puts_per_gib_put")
	if err != nil {
		return cost.Rows{}, fmt.Errorf("%w: no upload of %v", err, k)
	}
	of := func(key string) float64 {
		v, _ := number(key) // 0 where it is not there
		return v
	}
	const gib = 1 << 30
	put := max(1, of("run.put_bytes_per_byte"))
	ios := of("run.wal_ios_per_gib") // a volume counts each 256 KiB of a write
	if ios == 0 {                    // results of before they were counted
		ios = max(of("run.wal_writes_per_gib"), of("run.wal_bytes_per_byte")*gib/f08Unit)
	}
	return book.PerGiB(k, cost.Measured{
		CPUSeconds: cpu,
		Requests: cost.Requests{
			Puts: puts * put, PutBytes: gib * put,
			Gets: of("run.gets_per_gib"), GetBytes: gib * of("run.get_bytes_per_byte"),
		},
		Stored:   1,
		WALIOs:   ios,
		WALBytes: gib * of("run.wal_bytes_per_byte"),
	}), nil
}
