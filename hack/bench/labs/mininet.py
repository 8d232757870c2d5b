# SPDX-License-Identifier: Apache-2.0
"""Builds the topology of the JSON file argv[1] with Mininet's classes, and takes it down again.

Every line of standard input is a step, "build" or "stop"; when it is done, "done" is printed."""
import json
import sys

from mininet.net import Mininet
from mininet.node import Node
from mininet.nodelib import LinuxBridge

# Else it raises limits of the whole machine.
Mininet.inited = True

lab = json.load(open(sys.argv[1]))


def build():
    net = Mininet(controller=None, switch=LinuxBridge, autoSetMacs=False)
    for name in lab["nodes"]:
        net.addHost(name, cls=Node, ip=None)
    for name in lab["switches"]:
        net.addSwitch(name)
    for link in lab["links"]:
        a, b = (net.get(end["node"]) for end in link)
        net.addLink(a, b, intfName1=link[0]["name"], intfName2=link[1]["name"])
    for switch in net.switches:
        switch.start([])
    for name, commands in lab["commands"].items():
        node = net.get(name)
        for command in commands:
            node.cmd(command)
    return net


net = None
for step in sys.stdin:
    if step.strip() == "build":
        net = build()
    else:
        net.stop()
    print("done", flush=True)
