from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo


class Router(Node):
    def config(self, **params):
        super().config(**params)
        self.cmd("sysctl -w net.ipv4.ip_forward=1")
        self.cmd("sysctl -w net.ipv6.conf.all.forwarding=1")


class Lab(Topo):
    def build(self):
        self.addHost("h1", ip="10.1.0.1/24", defaultRoute="via 10.1.0.254")
        self.addHost("r1", cls=Router, ip="10.1.0.254/24")
        self.addHost("r2", cls=Router, ip="10.0.12.1/31")
        self.addHost("r3", cls=Router, ip="10.0.23.1/31")
        self.addHost("r4", cls=Router, ip="10.0.34.1/31")
        self.addHost("r5", cls=Router, ip="10.0.45.1/31")
        self.addHost("h5", ip="10.5.0.1/24", defaultRoute="via 10.5.0.254")
        self.addLink("h1", "r1")
        self.addLink("r1", "r2")
        self.addLink("r2", "r3")
        self.addLink("r3", "r4")
        self.addLink("r4", "r5")
        self.addLink("r5", "h5")


net = Mininet(topo=Lab(), controller=None)
net.start()
net["h1"].cmd("ip address add fd00:1::1/64 dev h1-eth0")
net["h1"].cmd("ip -6 route replace default via fd00:1::ff")
net["r1"].cmd("ip address add fd00:1::ff/64 dev r1-eth0")
net["r1"].cmd("ip address add 10.0.12.0/31 dev r1-eth1")
net["r1"].cmd("ip address add fd00:12::/127 dev r1-eth1")
net["r1"].cmd("ip route replace default via 10.0.12.1")
net["r1"].cmd("ip -6 route replace default via fd00:12::1")
net["r2"].cmd("ip address add fd00:12::1/127 dev r2-eth0")
net["r2"].cmd("ip address add 10.0.23.0/31 dev r2-eth1")
net["r2"].cmd("ip address add fd00:23::/127 dev r2-eth1")
net["r2"].cmd("ip route add 10.1.0.0/24 via 10.0.12.0")
net["r2"].cmd("ip -6 route add fd00:1::/64 via fd00:12::")
net["r2"].cmd("ip route replace default via 10.0.23.1")
net["r2"].cmd("ip -6 route replace default via fd00:23::1")
net["r3"].cmd("ip address add fd00:23::1/127 dev r3-eth0")
net["r3"].cmd("ip address add 10.0.34.0/31 dev r3-eth1")
net["r3"].cmd("ip address add fd00:34::/127 dev r3-eth1")
net["r3"].cmd("ip route add 10.1.0.0/24 via 10.0.23.0")
net["r3"].cmd("ip -6 route add fd00:1::/64 via fd00:23::")
net["r3"].cmd("ip route add 10.5.0.0/24 via 10.0.34.1")
net["r3"].cmd("ip -6 route add fd00:5::/64 via fd00:34::1")
net["r4"].cmd("ip address add fd00:34::1/127 dev r4-eth0")
net["r4"].cmd("ip address add 10.0.45.0/31 dev r4-eth1")
net["r4"].cmd("ip address add fd00:45::/127 dev r4-eth1")
net["r4"].cmd("ip route replace default via 10.0.34.0")
net["r4"].cmd("ip -6 route replace default via fd00:34::")
net["r4"].cmd("ip route add 10.5.0.0/24 via 10.0.45.1")
net["r4"].cmd("ip -6 route add fd00:5::/64 via fd00:45::1")
net["r5"].cmd("ip address add fd00:45::1/127 dev r5-eth0")
net["r5"].cmd("ip address add 10.5.0.254/24 dev r5-eth1")
net["r5"].cmd("ip address add fd00:5::ff/64 dev r5-eth1")
net["r5"].cmd("ip route replace default via 10.0.45.0")
net["r5"].cmd("ip -6 route replace default via fd00:45::")
net["h5"].cmd("ip address add fd00:5::1/64 dev h5-eth0")
net["h5"].cmd("ip -6 route replace default via fd00:5::ff")
