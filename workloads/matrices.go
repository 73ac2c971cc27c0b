package workloads

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed matrices/*.yaml
var matrices embed.FS

// Matrix returns the YAML of a built-in matrix, for workloads/matrix to parse.
func Matrix(name string) ([]byte, error) {
	content, err := matrices.ReadFile("matrices/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("matrix %s: the built-in ones are %s", name, strings.Join(MatrixNames(), ", "))
	}
	return content, nil
}

// MatrixNames lists the built-in matrices, sorted.
func MatrixNames() []string {
	entries, err := matrices.ReadDir("matrices")
	if err != nil {
		panic(fmt.Sprintf("embedded matrices: %v", err))
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}
