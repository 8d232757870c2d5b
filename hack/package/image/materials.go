// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// materials is the bill of materials of a program: the program with its checksum, and every
// module that was linked, with the standard library. A program that is not Go's stands alone.
func materials(d description, version, path string) (*cdx.BOM, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	main := cdx.Component{
		BOMRef: d.name, Type: cdx.ComponentTypeApplication, Name: d.name, Version: version, Description: d.title,
		Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &main}
	if d.name == busyboxImage {
		return bom, nil
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what %s was built from: %w", path, err)
	}
	main.Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	components := linked(info)
	bom.Components = &components
	bom.Dependencies = dependencies(main.BOMRef, components)
	return bom, nil
}

// linked lists modules as `go version -m` does, and the standard library.
func linked(info *debug.BuildInfo) []cdx.Component {
	components := []cdx.Component{library("std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		components = append(components, library(m.Path, m.Version))
	}
	return components
}

func library(path, version string) cdx.Component {
	purl := "pkg:golang/" + path + "@" + version
	return cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: purl}
}

func dependencies(of string, on []cdx.Component) *[]cdx.Dependency {
	refs := make([]string, 0, len(on))
	for _, c := range on {
		refs = append(refs, c.BOMRef)
	}
	return &[]cdx.Dependency{{Ref: of, Dependencies: &refs}}
}

func writeMaterials(path string, bom *cdx.BOM) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	return errors.Join(err, file.Close())
}
