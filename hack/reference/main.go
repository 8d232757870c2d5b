// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
)

func main() {
	if err := generate("api/v1alpha1", "api/README.md", "controllers/reason/zz_generated.reasons.go"); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func generate(types, page, table string) error {
	api, err := read(types)
	if err != nil {
		return fmt.Errorf("read the API types: %w", err)
	}
	source, err := api.table()
	if err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(api.page()), 0o600); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	if err := os.WriteFile(table, source, 0o600); err != nil {
		return fmt.Errorf("write the reasons: %w", err)
	}
	return nil
}
