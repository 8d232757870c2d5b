// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// labs are those compared, by the names of their files.
var labs = []string{"routed-pair", "one-switch", "router-on-a-stick", "leaf-spine", "five-routers"}

// tool is a column of the table.
type tool struct {
	title, directory string
	// run are the labs whose files are run by a test.
	run []string
}

var tools = []tool{
	{title: "containerlab", directory: "containerlab"},
	{title: "Kathará", directory: "kathara"},
	{title: "Mininet", directory: "mininet", run: []string{"routed-pair", "one-switch", "leaf-spine", "five-routers"}},
	{title: "ipspace netlab", directory: "ipspace-netlab"},
	{title: "tinet", directory: "tinet"},
}

// Where the files are, from the root of the repository.
const (
	samplesDir = "config/samples"
	labsDir    = "hack/bench/compare/labs"
)

func main() {
	table, err := compare(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
	fmt.Print(table)
}

// notRun marks a tool's file that did not run here.
const notRun = " (not run)"

// compare returns the table, as markdown. root is the repository's.
func compare(root fs.FS) (string, error) {
	titles := []string{"lines for the same lab", "NetLab", "without its probes"}
	for _, t := range tools {
		if len(t.run) == 0 {
			t.title += notRun
		}
		titles = append(titles, t.title)
	}
	var table strings.Builder
	writeRow(&table, titles)
	table.WriteString("|---|" + strings.Repeat("---:|", len(titles)-1) + "\n")
	for _, lab := range labs {
		cells, err := row(root, lab)
		if err != nil {
			return "", err
		}
		writeRow(&table, cells)
	}
	return table.String(), nil
}

func row(root fs.FS, lab string) (cells []string, err error) {
	content, err := fs.ReadFile(root, samplesDir+"/"+lab+".yaml")
	if err != nil {
		return nil, err
	}
	withoutProbes, _, _ := strings.Cut(string(content), "\n  probes:\n")
	cells = []string{"`" + lab + "`", fmt.Sprint(linesOf(string(content))), fmt.Sprint(linesOf(withoutProbes))}
	for _, t := range tools {
		lines, err := countLines(root, labsDir+"/"+t.directory+"/"+lab)
		if err != nil {
			return nil, err
		}
		cell := fmt.Sprint(lines)
		if len(t.run) > 0 && !slices.Contains(t.run, lab) {
			cell += notRun
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

func writeRow(table *strings.Builder, cells []string) {
	table.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// countLines counts the lines of all files of a directory.
func countLines(root fs.FS, path string) (lines int, err error) {
	err = fs.WalkDir(root, path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, path)
		lines += linesOf(string(content))
		return err
	})
	return lines, err
}

// linesOf counts lines that are neither blank nor a comment. A comment begins with # in all of
// the formats.
func linesOf(content string) (lines int) {
	for line := range strings.Lines(content) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines++
		}
	}
	return lines
}
