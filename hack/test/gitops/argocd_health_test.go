// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const healthKey = "resource.customizations.health.netlab.dev_NetLab"

func TestTheConfigMapCarriesTheHealthScript(t *testing.T) {
	patch := readYAML[struct{ Data map[string]string }](t, "argocd", "argocd-cm.yaml")
	if got := patch.Data[healthKey]; got != string(healthScript(t)) {
		t.Errorf("%s in argocd-cm.yaml is not health.lua:\n%s", healthKey, got)
	}
}

// The command in argocd-cm.yaml, where Argo CD has settings already.
func TestTheConfigMapPatchKeepsOtherSettings(t *testing.T) {
	server := apiServer(t)
	server.createNamespace(t, "settings")
	server.kubectl(t, "-n", "settings", "create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com")
	server.kubectl(t, "-n", "settings", "patch", "configmap", "argocd-cm", "--patch-file", example("argocd", "argocd-cm.yaml"))
	settings := server.kubectl(t, "-n", "settings", "get", "configmap", "argocd-cm", "-o", "jsonpath={.data.url} {.data."+strings.ReplaceAll(healthKey, ".", `\.`)+"}")
	if want := "https://argocd.example.com " + string(healthScript(t)); settings != want {
		t.Errorf("settings are\n%s\nwant\n%s", settings, want)
	}
}

func TestHealthTellsReasonAndMessage(t *testing.T) {
	got, err := healthScript(t).of(readSituation(t, "probe-fails"))
	if err != nil || !strings.HasPrefix(got.Message, "ForwardingDisabled: node-3: ") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// The sandbox refuses what Argo CD's does: a script that used it would fail there.
func TestHealthScriptsGetNoStringsFilesOrProcesses(t *testing.T) {
	for _, script := range []string{`string.format("%d", 1)`, `io.open("/etc/passwd")`, `os.execute("true")`, `debug.traceback()`} {
		if got, err := luaHealth(script).of(readSituation(t, "building")); err == nil {
			t.Errorf("%s is allowed and returns %+v", script, got)
		}
	}
}

// health is what a script returns.
type health struct{ Status, Message string }

// luaHealth is a health script. It runs with no more than Argo CD gives one by default (util/lua):
// the libraries package, base and table, one second, and the object as obj.
type luaHealth string

func healthScript(t *testing.T) luaHealth {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("..", "..", "..", "config", "argocd", "health.lua"))
	if err != nil {
		t.Fatal(err)
	}
	return luaHealth(script)
}

// argoHealth is what Argo CD shows: it asks no script about an object that is being deleted.
func argoHealth(object *unstructured.Unstructured, script luaHealth) (health, error) {
	if object.GetDeletionTimestamp() != nil {
		return health{"Progressing", "Pending deletion"}, nil
	}
	return script.of(object)
}

// of runs the script.
func (script luaHealth) of(object *unstructured.Unstructured) (health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	if err := openLibraries(state); err != nil {
		return health{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luaValue(state, object.Object))
	if err := state.DoString(string(script)); err != nil {
		return health{}, err
	}
	return healthOf(state.Get(-1))
}

func openLibraries(state *lua.LState) error {
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return fmt.Errorf("open Lua library %s: %w", name, err)
		}
	}
	return nil
}

// healthOf reads what a script returned.
func healthOf(returned lua.LValue) (health, error) {
	table, is := returned.(*lua.LTable)
	if !is {
		return health{}, fmt.Errorf("the script returned a %s, want a table", returned.Type())
	}
	got := health{lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))}
	known := []string{"Healthy", "Progressing", "Degraded", "Suspended"}
	if !slices.Contains(known, got.Status) {
		return health{}, fmt.Errorf("the script returned status %q, want one of %v", got.Status, known)
	}
	return got, nil
}

// luaValue translates decoded JSON.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		list := state.NewTable()
		for _, item := range v {
			list.Append(luaValue(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}
