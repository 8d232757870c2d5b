#!/usr/bin/env bash
# google/nftables ignores the flags of a table that it adds, so adding a dormant table again wakes it up.
#
# Software: github.com/google/nftables v0.3.0; nftables 1.0.6 (nft); Linux
# Source:   addTable() in table.go writes NFTA_TABLE_FLAGS as four zero bytes, whatever Table.Flags is; tableFromMsg() reads
#           them, and the number of chains, in the machine's byte order though they are big-endian
# Guess:    Table.Flags is what is written and read, and an AddTable of a table that exists changes nothing
# Seen:     AddTable with Flags 1 makes a table that is awake; of a table that nft made dormant Flags is 16777216, and is 0
#           after the same table was added once more. With it all its chains filter again
# So:       never AddTable what may exist; set flags with a message of your own

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 nft:nftables go:golang-go
go_program github.com/google/nftables@v0.3.0 <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/google/nftables"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	conn, err := nftables.New()
	must(err)
	if len(os.Args) > 1 {
		conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: os.Args[1], Flags: 1})
		must(conn.Flush())
		return
	}
	tables, err := conn.ListTables()
	must(err)
	for _, table := range tables {
		fmt.Printf("%s: flags %d, chains %d\n", table.Name, table.Flags, table.Use)
	}
}
END
enter

dormant() { nft list table ip "$1" | grep -c 'flags dormant' || true; }

"$FINDING_DIR/program" new
expect "added with Flags 1, dormant" "$(dormant new)" 0
nft 'add table ip old { flags dormant; }'
nft 'add chain ip old filter { type filter hook input priority 0; }'
expect "made by nft, dormant" "$(dormant old)" 1
expect "listed" "$("$FINDING_DIR/program" | grep old)" "old: flags 16777216, chains 16777216"
"$FINDING_DIR/program" old
expect "added once more, dormant" "$(dormant old)" 0
