"""Installations in which one thing is wrong, of all but the network policies."""

from policy.k8s.changing import Wrong, added, box, config, ingress, of, pod, without
from policy.k8s.objects import of_kind

WRONG: Wrong = {
    "kinds are built in": [
        ("local", lambda o: o.append(added("ScaledObject", "keda.sh/v1alpha1", "agent"))),
        ("local", lambda o: o.append(added("Job", "batch/v1", "migrate"))),
        ("local", lambda o: o.append(added("Secret", "v1", "agent"))),
    ],
    "names are stable": [
        ("local", lambda o: o.append(of(o, "Service", "page"))),
        ("local", lambda o: of(o, "Service", "page")["metadata"].update(generateName="page-")),
        ("local", lambda o: of(o, "StatefulSet", "nats")["metadata"].update(name="nats-4mfckt58gm")),
        ("local", lambda o: next(of_kind(o, "ConfigMap"))["metadata"].update(name="settings")),
        ("local", lambda o: of(o, "StatefulSet", "nats")["spec"]["volumeClaimTemplates"][0].update(
            metadata={"name": "d"})),
    ],
    "selectors match": [
        ("local", lambda o: of(o, "Service", "page")["spec"].update(selector={"app.kubernetes.io/name": "pages"})),
        ("local", lambda o: of(o, "Deployment", "page")["spec"]["selector"]["matchLabels"].update({"a": "b"})),
        ("local", lambda o: of(o, "PodDisruptionBudget", "page")["spec"]["selector"].update(matchLabels={"a": "b"})),
        ("local", lambda o: of(o, "PodDisruptionBudget", "page")["spec"].update(selector={})),
        ("local", lambda o: pod(o, "page")["topologySpreadConstraints"][0].update(
            labelSelector={"matchLabels": {"a": "b"}})),
        ("local", lambda o: without(o, "EndpointSlice", "model-server")),
        ("local", lambda o: of(o, "EndpointSlice", "model-server")["ports"][0].update(name="other")),
    ],
    "ports are there": [
        ("local", lambda o: of(o, "Service", "signaling")["spec"]["ports"][0].update(targetPort="web")),
        ("local", lambda o: of(o, "Service", "coturn")["spec"]["ports"][0].update(protocol="TCP")),
        ("local", lambda o: box(o, "agent")["readinessProbe"]["httpGet"].update(port="metrics")),
        ("local", lambda o: box(o, "coturn")["ports"].append({"name": "again", "containerPort": 5349})),
    ],
    "services are there": [
        ("local", lambda o: of(o, "StatefulSet", "nats")["spec"].update(serviceName="nats")),
        ("production", lambda o: without(o, "Service", "mcp-bridge")),
    ],
    "references exist": [
        ("local", lambda o: without(o, "ServiceAccount", "agent")),
        ("local", lambda o: pod(o, "agent").update(serviceAccountName="todo-store")),
        ("local", lambda o: o.remove(next(of_kind(o, "ConfigMap")))),
        ("local", lambda o: pod(o, "agent")["volumes"].pop()),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "more", "emptyDir": {"sizeLimit": "1Mi"}})),
        ("local", lambda o: without(o, "Role", "cluster-secrets")),
    ],
    "disruptions are bounded": [
        ("local", lambda o: without(o, "PodDisruptionBudget", "nats")),
        ("local", lambda o: of(o, "PodDisruptionBudget", "nats")["spec"].update(maxUnavailable=0)),
        ("production", lambda o: pod(o, "agent").pop("topologySpreadConstraints")),
        ("production", lambda o: pod(o, "nats", "StatefulSet").pop("topologySpreadConstraints")),
    ],
    "updates keep serving": [
        ("local", lambda o: of(o, "Deployment", "page")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
        ("local", lambda o: of(o, "Deployment", "page")["spec"].pop("strategy")),
        ("local", lambda o: of(o, "Deployment", "page")["spec"].pop("revisionHistoryLimit")),
    ],
    "namespaces ask for restricted": [
        ("local", lambda o: next(of_kind(o, "Namespace"))["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "baseline"})),
        ("local", lambda o: next(of_kind(o, "Namespace"))["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/warn-version": "latest"})),
        ("local", lambda o: of(o, "Service", "page")["metadata"].update(namespace="default")),
    ],
    "pods are restricted": [
        ("local", lambda o: pod(o, "agent").update(hostNetwork=True)),
        ("local", lambda o: pod(o, "agent").update(hostPID=True)),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "node", "hostPath": {"path": "/"}})),
        ("local", lambda o: pod(o, "agent")["securityContext"].pop("seccompProfile")),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(runAsNonRoot=False)),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(runAsUser=0)),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("allowPrivilegeEscalation")),
        ("local", lambda o: box(o, "agent")["securityContext"].update(privileged=True)),
        ("local", lambda o: box(o, "agent")["securityContext"].update(runAsUser=0)),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("capabilities")),
        ("local", lambda o: box(o, "coturn")["securityContext"]["capabilities"].update(add=["NET_ADMIN"])),
        ("local", lambda o: box(o, "agent")["securityContext"].update(seccompProfile={"type": "Unconfined"})),
        ("local", lambda o: pod(o, "agent")["initContainers"][0].pop("securityContext")),
        ("local", lambda o: box(o, "coturn")["ports"][0].update(hostPort=3478)),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(sysctls=[{"name": "a", "value": "b"}])),
        ("production, TURN on nodes", lambda o: of(o, "DaemonSet", "coturn", "todo-agent-turn")["spec"]["template"][
            "spec"].update(hostPID=True)),
    ],
    "containers are held": [
        ("local", lambda o: pod(o, "agent").update(automountServiceAccountToken=True)),
        ("local", lambda o: pod(o, "agent").pop("enableServiceLinks")),
        ("local", lambda o: of(o, "ServiceAccount", "agent").pop("automountServiceAccountToken")),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("readOnlyRootFilesystem")),
        ("local", lambda o: box(o, "agent")["resources"]["limits"].update(cpu="1")),
        ("local", lambda o: box(o, "agent")["resources"].pop("limits")),
        ("local", lambda o: box(o, "agent")["resources"]["requests"].pop("cpu")),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "more", "emptyDir": {}})),
        ("local", lambda o: pod(o, "agent")["volumes"].append(pod(o, "cluster-secrets")["volumes"][0])),
        ("local", lambda o: pod(o, "cluster-secrets")["containers"][0].update(
            volumeMounts=pod(o, "cluster-secrets")["initContainers"][0]["volumeMounts"])),
    ],
    "rights are few": [
        ("local", lambda o: o.append(added("ClusterRole", "rbac.authorization.k8s.io/v1", "all", rules=[]))),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1].pop("resourceNames")),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(verbs=["*"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(resources=["pods"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(verbs=["create", "patch"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1]["verbs"].append("delete")),
        ("local", lambda o: of(o, "RoleBinding", "cluster-secrets")["subjects"][0].update(name="agent")),
        ("local", lambda o: of(o, "RoleBinding", "cluster-secrets")["subjects"][0].update(namespace="kube-system")),
    ],
    "secrets are known": [
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(secretName="agents")),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1]["resourceNames"].pop()),
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(optional=True)),
        ("production", lambda o: without(o, "Deployment", "mcp-bridge")),
    ],
    "secrets are for their own": [
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(secretName="todo-store")),
        ("local", lambda o: pod(o, "agent")["initContainers"][0]["volumeMounts"].append(
            box(o, "agent")["volumeMounts"][0])),
        ("local", lambda o: box(o, "agent")["volumeMounts"][0].update(mountPath="/secrets")),
        ("local", lambda o: box(o, "agent")["volumeMounts"][0].pop("readOnly")),
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(defaultMode=0o444)),
    ],
    "secrets are nowhere else": [
        ("local", lambda o: config(o, "signaling-settings").update(AUTH_SECRET="x" * 40)),
        ("local", lambda o: config(o, "services").update(DATABASE_URL="postgresql+asyncpg://database/todo")),
        ("local", lambda o: config(o, "services").update(NATS_URL="nats://agent:word@nats:4222")),
        ("local", lambda o: box(o, "agent")["env"].append({"name": "NATS_PASSWORD", "value": "word"})),
        ("local", lambda o: box(o, "agent")["envFrom"].append({"secretRef": {"name": "agent"}})),
        ("local", lambda o: box(o, "agent")["env"].append(
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "agent", "key": "nats_password"}}})),
    ],
    "settings are usable": [
        ("local", lambda o: config(o, "agent-settings").update(MODEL_ADDRESS="http://model-server:1234")),
        ("local", lambda o: config(o, "rtc-gateway-settings").update(DRAIN_S="60")),
        ("local", lambda o: config(o, "signaling-settings").pop("PUBLISHED_ON")),
        ("local", lambda o: config(o, "signaling-settings").update(TURN_URLS="")),
        ("local", lambda o: config(o, "services").update(HTTP_HOST="127.0.0.1")),
        ("local", lambda o: config(o, "services").pop("SECRETS_DIR")),
        ("local", lambda o: config(o, "page-settings").update(UPSTREAM="signaling:8080")),
        ("production", lambda o: config(o, "signaling-settings").update(TRUSTED_PROXIES="everybody")),
    ],
    "ports are the services' own": [
        ("local", lambda o: box(o, "agent")["ports"][0].update(containerPort=8000)),
        ("local", lambda o: config(o, "services").update(HTTP_PORT="8081")),
        ("local", lambda o: box(o, "mcp-bridge").update(args=["--http", "0.0.0.0:9090"])),
        ("local", lambda o: box(o, "page")["ports"][0].update(containerPort=80)),
        ("local", lambda o: box(o, "coturn")["ports"].pop()),
        ("local", lambda o: box(o, "nats", "StatefulSet")["ports"].pop()),
        ("production", lambda o: config(o, "services").pop("METRICS_PORT")),
    ],
    "probes ask what is there": [
        ("local", lambda o: box(o, "agent")["livenessProbe"]["httpGet"].update(path="/readyz")),
        ("local", lambda o: box(o, "agent")["readinessProbe"]["httpGet"].update(path="/health")),
        ("local", lambda o: box(o, "agent").pop("readinessProbe")),
        ("local", lambda o: box(o, "page")["readinessProbe"]["httpGet"].update(path="/ready")),
        ("local", lambda o: box(o, "nats", "StatefulSet")["livenessProbe"]["httpGet"].update(path="/varz")),
        ("local", lambda o: box(o, "todo-store")["startupProbe"].update(failureThreshold=10)),
        ("local", lambda o: box(o, "agent")["readinessProbe"].update(timeoutSeconds=30)),
    ],
    "ways in are the services' own": [
        ("production", lambda o: ingress(o)["rules"][0]["http"]["paths"].append(
            {"path": "/readyz", "backend": {"service": {"name": "signaling", "port": {"name": "http"}}}})),
        ("production", lambda o: ingress(o)["rules"][0]["http"]["paths"].pop(0)),
        ("production", lambda o: ingress(o).pop("tls")),
        ("production", lambda o: config(o, "signaling-settings").update(ALLOWED_HOSTS="lists.example")),
    ],
    "stopping takes its time": [
        ("local", lambda o: pod(o, "rtc-gateway").update(terminationGracePeriodSeconds=50)),
        ("local", lambda o: pod(o, "agent").update(terminationGracePeriodSeconds=30)),
        ("local", lambda o: box(o, "signaling").pop("lifecycle")),
        ("local", lambda o: config(o, "rtc-gateway-settings").update(DRAIN_S="39")),
        ("production", lambda o: pod(o, "nats", "StatefulSet").update(terminationGracePeriodSeconds=30)),
        ("production", lambda o: box(o, "nats", "StatefulSet").pop("lifecycle")),
    ],
    "images are pinned": [
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent")),
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent:latest")),
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent:other")),
        ("local", lambda o: box(o, "agent").update(imagePullPolicy="Always")),
    ],
    "open only with tokens": [
        ("local", lambda o: of(o, "Service", "coturn")["spec"].update(type="LoadBalancer")),
        ("local", lambda o: o.append(added("Ingress", "networking.k8s.io/v1", "page", spec={"rules": []}))),
    ],
}  # fmt: skip
