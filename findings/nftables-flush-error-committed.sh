#!/usr/bin/env bash
# google/nftables reports "no buffer space available" for rules that the kernel has committed.
#
# Software: github.com/google/nftables v0.3.0; Linux
# Source:   Conn.Flush() in conn.go sends the whole batch and only then reads the acknowledgements, one for each rule; they
#           overflow the receive buffer, recvmsg() returns ENOBUFS, and Flush() takes that for the kernel's refusal
# Guess:    a batch is a transaction: an error from Flush() means that nothing was applied
# Seen:     Flush() of 600 rules fails, and a new connection reads back all 600; Flush() of 50 does not fail
# So:       after an error read the rules back, and raise the receive buffer before a large batch

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 go:golang-go
go_program github.com/google/nftables@v0.3.0 <<'EOF'
package main

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func flush(table string, rules int) {
	c, err := nftables.New()
	must(err)
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: table})
	chain := c.AddChain(&nftables.Chain{Table: t, Name: "chain"})
	for range rules {
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{&expr.Counter{}}})
	}
	err = c.Flush()
	reader, readerErr := nftables.New()
	must(readerErr)
	there, readerErr := reader.GetRules(t, chain)
	must(readerErr)
	fmt.Printf("Flush of %d rules: %v; in the kernel: %d\n", rules, err, len(there))
}

func main() {
	flush("small", 50)
	flush("large", 600)
}
EOF
enter

"$FINDING_DIR/program" >"$FINDING_DIR/seen" 2>&1 || cannot "$(head -1 "$FINDING_DIR/seen")"
expect "program" "$(cat "$FINDING_DIR/seen")" "Flush of 50 rules: <nil>; in the kernel: 50
Flush of 600 rules: netlink receive: recvmsg: no buffer space available; in the kernel: 600"
