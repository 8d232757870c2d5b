// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// What the bill lists is what the Go command itself says of the program inside the image.
func TestTheBillOfMaterialsListsWhatIsLinked(t *testing.T) {
	dir := makeImages(t, "-images", "agent,controller,pause")
	for _, name := range []string{"netlab-agent", "netlab-controller", "netlab-pause"} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), name)
			content := filesOf(t, readDockerArchive(t, archiveOf(dir, name)))[name].content
			if err := os.WriteFile(program, content, 0o755); err != nil {
				t.Fatal(err)
			}
			bom := readMaterials(t, filepath.Join(dir, name+"-"+runtime.GOARCH+".cdx.json"))
			if got, want := listed(bom), goVersion(t, program); !slices.Equal(got, want) {
				t.Errorf("listed:\n%s\nlinked:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if bom.Metadata.Component.Version != "v1.2.3" {
				t.Errorf("the bill is for version %s", bom.Metadata.Component.Version)
			}
		})
	}
}

func readMaterials(t *testing.T, path string) *cdx.BOM {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

func listed(bom *cdx.BOM) []string {
	var all []string
	for _, c := range *bom.Components {
		all = append(all, c.Name+" "+c.Version)
	}
	slices.Sort(all)
	return all
}

// goVersion reads the lines "dep PATH VERSION SUM" and "=> PATH VERSION SUM" of go version -m.
func goVersion(t *testing.T, program string) []string {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	all := []string{"std " + strings.TrimPrefix(first[strings.LastIndex(first, " ")+1:], "go")}
	for line := range strings.Lines(rest) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "=>":
			all = all[:len(all)-1]
			fallthrough
		case "dep":
			all = append(all, fields[1]+" "+fields[2])
		}
	}
	slices.Sort(all)
	return all
}
