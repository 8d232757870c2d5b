// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
)

//go:embed templates/audit-policy.yaml
var auditPolicy []byte

// controlPlane is etcd, the API server, the controller manager and the scheduler.
type controlPlane struct {
	dir                                           directory
	etcd, apiserver, controllerManager, scheduler *service
}

func newControlPlane(dir directory, programs string) *controlPlane {
	run := func(program string, flags ...string) *service {
		return &service{command: append([]string{programs + "/" + program}, flags...), logFile: dir.path(program + ".log")}
	}
	c := &controlPlane{
		dir:               dir,
		etcd:              run("etcd", etcdFlags(dir)...),
		apiserver:         run("kube-apiserver", apiserverFlags(dir)...),
		controllerManager: run("kube-controller-manager", controllerManagerFlags(dir)...),
		scheduler:         run("kube-scheduler", schedulerFlags(dir)...),
	}
	// Asked to end, it would wait for its watchers to leave, which they do not.
	c.apiserver.signal = syscall.SIGKILL
	return c
}

// start returns when the API server is ready.
func (c *controlPlane) start(ctx context.Context, api *kubernetes.Clientset) error {
	if err := os.WriteFile(c.dir.path("audit-policy.yaml"), auditPolicy, 0o600); err != nil {
		return err
	}
	if err := c.etcd.start(); err != nil {
		return err
	}
	// Without etcd the API server does not wait for long, it ends.
	if err := poll(ctx, 20*time.Millisecond, connects(etcdAddress)); err != nil {
		return fmt.Errorf("wait for etcd: %w", err)
	}
	if err := c.startAPIServer(ctx, api); err != nil {
		return err
	}
	if err := c.controllerManager.start(); err != nil {
		return err
	}
	return c.scheduler.start()
}

func (c *controlPlane) startAPIServer(ctx context.Context, api *kubernetes.Clientset) error {
	if err := c.apiserver.start(); err != nil {
		return err
	}
	err := poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		return api.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return fmt.Errorf("wait for the API server: %w", err)
	}
	return nil
}

func connects(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

const (
	etcdAddress     = "127.0.0.1:2379"
	etcdPeerAddress = "127.0.0.1:2380"
)

func etcdFlags(dir directory) []string {
	return []string{
		"--name=etcd",
		"--data-dir=" + dir.path("etcd"),
		"--listen-client-urls=http://" + etcdAddress,
		"--advertise-client-urls=http://" + etcdAddress,
		"--listen-peer-urls=http://" + etcdPeerAddress,
		"--initial-advertise-peer-urls=http://" + etcdPeerAddress,
		"--initial-cluster=etcd=http://" + etcdPeerAddress,
		"--unsafe-no-fsync", // nothing outlives the cluster
		"--log-level=warn",
	}
}

func apiserverFlags(dir directory) []string {
	pki := func(file string) string { return dir.path("pki", file) }
	return []string{
		"--etcd-servers=http://" + etcdAddress,
		"--bind-address=0.0.0.0",
		"--advertise-address=" + controlPlaneIP.String(),
		fmt.Sprintf("--secure-port=%d", apiserverPort),
		"--service-cluster-ip-range=" + serviceNetwork.String(),
		"--allow-privileged",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"),
		"--tls-private-key-file=" + pki("apiserver.key"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("service-accounts.pub"),
		"--service-account-signing-key-file=" + pki("service-accounts.key"),
		"--audit-policy-file=" + dir.path("audit-policy.yaml"),
		"--audit-log-path=" + dir.path("audit.log"),
	}
}

// Neither the controller manager nor the scheduler has a second to compete with. With leader
// election they would end, and write, whenever the API server was away for some seconds.
func controllerManagerFlags(dir directory) []string {
	return []string{
		"--kubeconfig=" + dir.path("pki", "controller-manager.kubeconfig"),
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--root-ca-file=" + dir.path("pki", "ca.crt"),
		"--service-account-private-key-file=" + dir.path("pki", "service-accounts.key"),
	}
}

func schedulerFlags(dir directory) []string {
	return []string{
		"--kubeconfig=" + dir.path("pki", "scheduler.kubeconfig"),
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
	}
}
