// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/netlab-dev/netlab/controllers/cluster"
)

func TestTheLogIsTextOrJSON(t *testing.T) {
	var text, lines bytes.Buffer
	for format, output := range map[string]*bytes.Buffer{"text": &text, "json": &lines} {
		log, err := cluster.Log(output, format, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("left out")
		log.Info("Repaired", "lab", "default/pair", "operations", 2)
		ctrl.Log.Info("from controller-runtime")
	}
	if !strings.Contains(text.String(), "level=INFO msg=Repaired lab=default/pair operations=2") {
		t.Errorf("text: %s", text.String())
	}
	var first struct {
		Msg, Lab   string
		Operations int
	}
	if err := json.NewDecoder(&lines).Decode(&first); err != nil || first.Msg != "Repaired" || first.Lab != "default/pair" || first.Operations != 2 {
		t.Errorf("json: %+v: %v", first, err)
	}
	if _, err := cluster.Log(&text, "yaml", slog.LevelInfo); err == nil || !strings.Contains(err.Error(), "text or json") {
		t.Errorf("a format that does not exist: %v", err)
	}
}
