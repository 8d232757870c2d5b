// SPDX-License-Identifier: Apache-2.0

//go:build e2e && nodes

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// audited is one line of the API server's audit log, which hack/cluster has write of every write.
type audited struct {
	Verb string
	User struct{ Username string }
	// ObjectRef is nil for what has no object.
	ObjectRef *struct{ Resource, Subresource, Namespace, Name string }
}

// writes counts what agents and controller have written, Leases aside, and logs the last of it.
func writes(t *testing.T) int {
	t.Helper()
	log, err := os.Open(filepath.Join(os.Getenv("NETLAB_CLUSTER_DIR"), "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	total, last := 0, audited{}
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var entry audited
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		ours := strings.HasPrefix(entry.User.Username, "system:serviceaccount:"+system+":")
		if ours && entry.ObjectRef != nil && entry.ObjectRef.Resource != "leases" {
			total, last = total+1, entry
		}
	}
	if last.ObjectRef != nil {
		t.Logf("the last of %d writes: %s %s %+v", total, last.User.Username, last.Verb, *last.ObjectRef)
	}
	return total
}
