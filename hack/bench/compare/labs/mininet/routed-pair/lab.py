from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo


class Router(Node):
    def config(self, **params):
        super().config(**params)
        self.cmd("sysctl -w net.ipv4.ip_forward=1")


class Lab(Topo):
    def build(self):
        self.addHost("ns1", ip="192.0.2.1/24", defaultRoute="via 192.0.2.254")
        self.addHost("router", cls=Router, ip="192.0.2.254/24")
        self.addHost("ns2", ip="198.51.100.1/24", defaultRoute="via 198.51.100.254")
        self.addLink("ns1", "router")
        self.addLink("router", "ns2")


net = Mininet(topo=Lab(), controller=None)
net.start()
net["router"].cmd("ip address add 198.51.100.254/24 dev router-eth1")
