from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo


class Router(Node):
    def config(self, **params):
        super().config(**params)
        self.cmd("sysctl -w net.ipv4.ip_forward=1")


class Lab(Topo):
    def build(self):
        self.addHost("h10", ip="10.10.0.1/24", defaultRoute="via 10.10.0.254")
        self.addHost("h20", ip="10.20.0.1/24", defaultRoute="via 10.20.0.254")
        self.addHost("router", cls=Router, ip=None)
        self.addHost("sw", cls=Node, ip=None)
        self.addLink("h10", "sw")
        self.addLink("h20", "sw")
        self.addLink("router", "sw")


net = Mininet(topo=Lab(), controller=None)
net.start()
net["router"].cmd("ip link add link router-eth0 name router-eth0.10 type vlan id 10")
net["router"].cmd("ip link add link router-eth0 name router-eth0.20 type vlan id 20")
net["router"].cmd("ip address add 10.10.0.254/24 dev router-eth0.10")
net["router"].cmd("ip address add 10.20.0.254/24 dev router-eth0.20")
net["router"].cmd("ip link set router-eth0.10 up")
net["router"].cmd("ip link set router-eth0.20 up")
net["sw"].cmd("ip link add br0 type bridge vlan_filtering 1")
net["sw"].cmd("ip link set sw-eth0 master br0")
net["sw"].cmd("ip link set sw-eth1 master br0")
net["sw"].cmd("ip link set sw-eth2 master br0")
net["sw"].cmd("bridge vlan add dev sw-eth0 vid 10 pvid untagged")
net["sw"].cmd("bridge vlan add dev sw-eth1 vid 20 pvid untagged")
net["sw"].cmd("bridge vlan add dev sw-eth2 vid 10")
net["sw"].cmd("bridge vlan add dev sw-eth2 vid 20")
net["sw"].cmd("ip link set br0 up")
