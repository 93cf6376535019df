"""Policies that let through what no edge declares, or not what one does."""

from policy.k8s.changing import Wrong, copied, of, rules_of, without

WRONG: Wrong = {
    "edges equal the policies": [
        ("local", lambda o: without(o, "NetworkPolicy", "default-deny")),
        ("local", lambda o: without(o, "NetworkPolicy", "dns")),
        ("local", lambda o: without(o, "NetworkPolicy", "postgres")),
        ("local", lambda o: rules_of(o, "agent").append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})),
        ("local", lambda o: rules_of(o, "agent")[0]["to"][0]["ipBlock"].update(cidr="192.0.2.0/31")),
        ("local", lambda o: rules_of(o, "agent")[0]["ports"][0].update(port=11434)),
        ("local", lambda o: rules_of(o, "coturn").append({"to": [{"podSelector": {}}]})),
        ("local", lambda o: rules_of(o, "coturn", "ingress").pop()),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0].pop("ports")),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].pop(0)),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append({"namespaceSelector": {}})),
        ("local", lambda o: rules_of(o, "rtc-gateway")[0]["ports"][0].pop("endPort")),
        ("local", lambda o: rules_of(o, "rtc-gateway")[0]["ports"][0].update(endPort=65535)),
        ("local", lambda o: rules_of(o, "rtc-gateway", "ingress")[0].pop("from")),
        ("local", lambda o: rules_of(o, "dns")[0]["to"][0].pop("podSelector")),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["spec"].update(podSelector={})),
        ("local", lambda o: of(o, "NetworkPolicy", "signaling")["spec"].update(policyTypes=["Ingress"])),
        ("local", lambda o: o.append(copied(of(o, "Deployment", "agent"), name="another"))),
        ("production", lambda o: without(o, "NetworkPolicy", "ingress")),
        ("production", lambda o: rules_of(o, "todo-store-database")[0].pop("ports")),
        ("production, TURN on nodes", lambda o: without(o, "NetworkPolicy", "turn-nodes")),
    ],
    "rules are those of the edges": [
        *[("local", lambda o, cidr=cidr: rules_of(o, "agent").append({
            "to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": 443}]}))
          for cidr in ("0.0.0.0/0", "::/0", "8.0.0.0/8", "169.254.169.254/32")],
        *[("local", lambda o, port=port: rules_of(o, "agent").append({
            "to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}], "ports": [port]}))
          for port in ({"protocol": "TCP", "port": 80}, {"protocol": "TCP", "port": 60, "endPort": 1000},
                       {"protocol": "SCTP", "port": 1234}, {"protocol": "TCP", "port": "http"})],
        ("local", lambda o: rules_of(o, "agent").append({
            "to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8443}]})),
        ("local", lambda o: rules_of(o, "agent").append({"ports": [{"protocol": "TCP", "port": 8443}]})),
        ("local", lambda o: rules_of(o, "agent").append({})),
        *[("local", lambda o, port=port: rules_of(o, "coturn").append({"ports": [{"protocol": "UDP", "port": port}]}))
          for port in (5000, 123, 53)],
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "somebody"}}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"podSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/9"]}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].pop()),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["spec"].update(podSelector={})),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["metadata"].update(namespace="kube-system")),
        ("local", lambda o: without(o, "NetworkPolicy", "postgres")),
        ("production, tokens of a provider", lambda o: rules_of(o, "identity-provider")[0]["to"][0]["ipBlock"].update(
            cidr="0.0.0.0/0")),
        ("production", lambda o: rules_of(o, "todo-store-database")[0]["ports"].append(
            {"protocol": "TCP", "port": 443})),
    ],
    "policies select somebody": [
        ("local", lambda o: of(o, "NetworkPolicy", "agent")["spec"]["podSelector"].update(
            matchLabels={"app.kubernetes.io/name": "agents"})),
        ("production", lambda o: of(o, "NetworkPolicy", "ingress")["spec"]["podSelector"]["matchExpressions"][0][
            "values"].append("web")),
    ],
}  # fmt: skip
