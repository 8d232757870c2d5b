from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo
from mininet.nodelib import LinuxBridge


class Lab(Topo):
    def build(self):
        self.addHost("h1", ip="10.1.0.1/24")
        self.addHost("h2", ip="10.1.0.2/24")
        self.addHost("h3", ip="10.1.0.3/24")
        self.addSwitch("s1", cls=LinuxBridge)
        self.addLink("h1", "s1")
        self.addLink("h2", "s1")
        self.addLink("h3", "s1")


net = Mininet(topo=Lab(), controller=None)
net.start()
