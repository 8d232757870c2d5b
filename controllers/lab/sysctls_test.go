// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// settingRow is a row of the table of settings: name, value in a lab, and whether sysctls can set it.
var settingRow = regexp.MustCompile("(?m)^\\| `(net\\.[^`]+)` \\| (\\d+)[^|]* \\| [^|]* \\| (.*) \\|$")

// The table of settings for users has every setting of a namespace, with its value, and whether a lab may set
// it.
func TestTheTableOfSettings(t *testing.T) {
	text, err := os.ReadFile("../../config/samples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, row := range settingRow.FindAllStringSubmatch(string(text), -1) {
		rows[row[1]] = row[2:]
	}
	keys := state.NamespaceSettingKeys()
	for _, s := range state.BridgeSettings {
		keys = append(keys, state.SettingKey{Setting: s})
	}
	for _, key := range keys {
		row, value := rows[key.String()], state.InitialValue(key)
		switch {
		case row == nil:
			t.Errorf("the table lacks %s", key)
		case row[0] != strconv.Itoa(value.Number()):
			t.Errorf("the table says %s=%s, want %d", key, row[0], value.Number())
		case (row[1] == "yes") != allows(key, value):
			t.Errorf("the table says %q of %s, the compiler accepts it: %t", row[1], key, allows(key, value))
		}
	}
	if len(rows) != len(keys) {
		t.Errorf("the table has %d settings, want %d", len(rows), len(keys))
	}
}

// allows reports whether a lab may set the setting.
func allows(key state.SettingKey, value state.Value) bool {
	netlab := &v1alpha1.NetLab{Spec: v1alpha1.NetLabSpec{Namespaces: []v1alpha1.Namespace{{Name: "a", NodeConfig: v1alpha1.NodeConfig{
		Sysctls: []v1alpha1.Sysctl{{Name: key.String(), Value: intstr.FromInt(value.Number())}},
	}}}}}
	return len(lab.Validate(netlab)) == 0
}
