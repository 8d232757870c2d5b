// SPDX-License-Identifier: Apache-2.0

package main

// setting is a value of the chart and a place in an object that it is for. A value that is for
// several places has several settings; the first one documents it.
type setting struct {
	value  string // in values.yaml: agent.resources
	doc    string
	object string   // KIND/NAME
	path   []string // as kyaml looks it up
	form   form
	absent string // the default, in YAML, where config/ has none
}

// form is how a value gets into a template.
type form int

const (
	// plain is a scalar that is always there.
	plain form = iota
	// image is a repository, and a tag or digest.
	image
	// whole is anything; the field is left out while the value is empty.
	whole
	// flagged is a program's flag, the last of path, appended to its arguments unless the value is null.
	flagged
	// denied is a program's flag, the last of path, appended as false while the value is false.
	denied
	// appended is a list, appended to the one that is there.
	appended
	// guarding is a boolean that a list element is there for.
	guarding
)

const (
	daemonSet  = "DaemonSet/netlab-agent"
	deployment = "Deployment/netlab-controller"
)

func inPod(path ...string) []string { return append([]string{"spec", "template", "spec"}, path...) }

func inAgent(path ...string) []string {
	return append(inPod("containers", "[name=agent]"), path...)
}

func inController(path ...string) []string {
	return append(inPod("containers", "[name=controller]"), path...)
}

// settings are the values of the chart, in the order of values.yaml. Defaults are what config/ has.
var settings = []setting{
	{value: "agent.image", object: daemonSet, path: inAgent("image"), form: image},
	{value: "agent.imagePullPolicy", object: daemonSet, path: inAgent("imagePullPolicy")},
	{value: "agent.imagePullSecrets", object: daemonSet, path: inPod("imagePullSecrets"), form: whole, absent: "[]"},
	{value: "agent.maxLabs", object: daemonSet, path: inAgent("args", "--max-labs"), form: flagged, absent: "null",
		doc: "Maximum number of labs on a node; null is the agent's default, 0 is no limit."},
	{value: "agent.maxNamespaces", object: daemonSet, path: inAgent("args", "--max-namespaces"), form: flagged, absent: "null",
		doc: "Maximum number of network namespaces of labs on a node; null is the agent's default, 0 is no limit."},
	{value: "agent.maxRows", object: daemonSet, path: inAgent("args", "--max-rows"), form: flagged, absent: "null",
		doc: "Maximum number of rows (links, addresses, routes and the like) of labs on a node; null is the agent's default, 0 is no limit."},
	{value: "agent.maxLabsPerTenant", object: daemonSet, path: inAgent("args", "--max-labs-per-tenant"), form: flagged, absent: "null",
		doc: "Maximum number of labs of each namespace of the cluster on a node; null is no limit."},
	{value: "agent.maxNamespacesPerTenant", object: daemonSet, path: inAgent("args", "--max-namespaces-per-tenant"), form: flagged, absent: "null",
		doc: "Maximum number of network namespaces of the labs of each namespace of the cluster on a node; null is no limit."},
	{value: "agent.maxRowsPerTenant", object: daemonSet, path: inAgent("args", "--max-rows-per-tenant"), form: flagged, absent: "null",
		doc: "Maximum number of rows of the labs of each namespace of the cluster on a node; null is no limit."},
	{value: "agent.neighborShare", object: daemonSet, path: inAgent("args", "--neighbor-share"), form: flagged, absent: "null",
		doc: "Percentage of a node's neighbour table that labs may use; null is the agent's default, 0 is no limit."},
	{value: "agent.netnsLinks", object: daemonSet, path: inAgent("args", "--netns-links"), form: denied, absent: "true",
		doc: "Whether agents create symlinks in the nodes' /run/netns, with which ip netns finds the labs' namespaces."},
	{value: "agent.netnsLinks", object: daemonSet, path: inAgent("volumeMounts", "[name=run-netns]"), form: guarding},
	{value: "agent.netnsLinks", object: daemonSet, path: inPod("volumes", "[name=run-netns]"), form: guarding},
	{value: "agent.extraArgs", object: daemonSet, path: inAgent("args"), form: appended, absent: "[]",
		doc: "More flags: netlab-agent --help lists them."},
	{value: "agent.resources", object: daemonSet, path: inAgent("resources"), form: whole,
		doc: "The kernel charges the memory of labs to the agent: the limit allows for the most labs that the agent accepts by default, with 200 kB for each network namespace."},
	{value: "agent.nodeSelector", object: daemonSet, path: inPod("nodeSelector"), form: whole,
		doc: "The nodes that can have labs."},
	{value: "agent.affinity", object: daemonSet, path: inPod("affinity"), form: whole},
	{value: "agent.tolerations", object: daemonSet, path: inPod("tolerations"), form: whole},
	{value: "agent.priorityClassName", object: daemonSet, path: inPod("priorityClassName"), form: whole, absent: `""`},
	{value: "agent.updateStrategy", object: daemonSet, path: []string{"spec", "updateStrategy"}, form: whole,
		doc: "Labs keep running while agents are replaced."},
	{value: "controller.image", object: deployment, path: inController("image"), form: image},
	{value: "controller.imagePullPolicy", object: deployment, path: inController("imagePullPolicy")},
	{value: "controller.imagePullSecrets", object: deployment, path: inPod("imagePullSecrets"), form: whole, absent: "[]"},
	{value: "controller.replicas", object: deployment, path: []string{"spec", "replicas"},
		doc: "One replica is the leader; the others wait to take over."},
	{value: "controller.extraArgs", object: deployment, path: inController("args"), form: appended, absent: "[]",
		doc: "More flags: netlab-controller --help lists them."},
	{value: "controller.resources", object: deployment, path: inController("resources"), form: whole},
	{value: "controller.nodeSelector", object: deployment, path: inPod("nodeSelector"), form: whole},
	{value: "controller.affinity", object: deployment, path: inPod("affinity"), form: whole},
	{value: "controller.topologySpreadConstraints", object: deployment, path: inPod("topologySpreadConstraints"), form: whole},
	{value: "controller.tolerations", object: deployment, path: inPod("tolerations"), form: whole},
	{value: "controller.priorityClassName", object: deployment, path: inPod("priorityClassName"), form: whole, absent: `""`},
}

// condition is a value that whole objects are there for.
type condition struct {
	value, doc string
	enabled    bool // by default
	holds      func(kind, name string) bool
}

// conditions: the first that holds for an object decides; an object that none holds for is always there.
var conditions = []condition{
	{"crds.enabled", "The CustomResourceDefinitions. Uninstalling the chart keeps them.", true,
		func(kind, _ string) bool { return kind == "CustomResourceDefinition" }},
	{"networkPolicy.enabled", "NetworkPolicies that deny connections to the pods, except to the metrics ports from namespaces with the label metrics=enabled.", false,
		func(kind, _ string) bool { return kind == "NetworkPolicy" }},
	{"monitoring.rules", "A PrometheusRule with alerts, for Prometheus Operator.", false,
		func(kind, _ string) bool { return kind == "PrometheusRule" }},
	{"monitoring.dashboard", "A ConfigMap that Grafana's sidecar loads.", false,
		func(kind, _ string) bool { return kind == "ConfigMap" }},
	{"monitoring.podMonitors", "PodMonitors, for Prometheus Operator, and the token with which Prometheus reads metrics.", false,
		func(kind, name string) bool {
			return kind == "PodMonitor" || name == "netlab-metrics-reader" && kind != "ClusterRole"
		}},
}
