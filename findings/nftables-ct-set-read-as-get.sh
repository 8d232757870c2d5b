#!/usr/bin/env bash
# google/nftables reads a rule that sets the connection mark back as one that loads it.
#
# Software: github.com/google/nftables v0.3.0; nftables 1.0.6 (nft); Linux
# Source:   Ct.marshal() in expr/ct.go writes NFTA_CT_SREG for SourceRegister; Ct.unmarshal() knows the key, the destination
#           register and the direction, and neither sets SourceRegister nor reads the source register
# Guess:    GetRules gives what AddRule was given, or an expression it does not know
# Seen:     SourceRegister true, register 1 comes back as false, register 0, while nft shows "ct mark set 0x00000001"; an
#           equal comparison fails for ever, and writing back what was read makes another rule
# So:       do not compare rules by their expressions; put a name or hash of your own into UserData

. "$(dirname "$0")/lib/namespace.sh"
needs ip:iproute2 nft:nftables go:golang-go
go_program github.com/google/nftables@v0.3.0 <<'END'
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

func show(step string, rule []expr.Any) {
	for _, e := range rule {
		if ct, ok := e.(*expr.Ct); ok {
			fmt.Printf("%s: source register %v, register %d\n", step, ct.SourceRegister, ct.Register)
		}
	}
}

func main() {
	conn, err := nftables.New()
	must(err)
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "marks"})
	chain := conn.AddChain(&nftables.Chain{Name: "forward", Table: table})
	rule := []expr.Any{
		&expr.Immediate{Register: 1, Data: []byte{1, 0, 0, 0}},
		&expr.Ct{Key: expr.CtKeyMARK, Register: 1, SourceRegister: true},
	}
	show("added", rule)
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule})
	must(conn.Flush())
	rules, err := conn.GetRules(table, chain)
	must(err)
	for _, rule := range rules {
		show("read", rule.Exprs)
	}
}
END
enter

seen=$("$FINDING_DIR/program")
expect "given" "$(grep added <<<"$seen")" "added: source register true, register 1"
expect "got" "$(grep read <<<"$seen")" "read: source register false, register 0"
expect "nft" "$(nft list ruleset | grep -o 'ct mark.*')" "ct mark set 0x00000001"
