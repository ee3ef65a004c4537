{{- define "doubleslit.name" -}}
{{- contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "doubleslit.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "doubleslit.labels" -}}
{{ include "doubleslit.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What a runtime has on a node: its files, and its socket, which comes and goes with it in a directory of its own. */}}
{{- define "doubleslit.runtimes" -}}
containerd:
  files: [/run/containerd/io.containerd.runtime.v2.task, /var/lib/containerd/io.containerd.grpc.v1.cri/containers]
  socket: /run/containerd/containerd.sock
k3s:
  files: [/run/k3s/containerd/io.containerd.runtime.v2.task, /var/lib/rancher/k3s/agent/containerd/io.containerd.grpc.v1.cri/containers]
  socket: /run/k3s/containerd/containerd.sock
crio:
  files: [/run/containers/storage/overlay-containers, /var/lib/containers/storage/overlay-containers]
  socket: /run/crio/crio.sock
docker:
  files: [/var/lib/docker/containers]
{{- end -}}

{{/* The paths of a node that are mounted below /host. */}}
{{- define "doubleslit.paths" -}}
{{- $known := include "doubleslit.runtimes" . | fromYaml -}}
{{- $paths := list "/proc" "/sys/fs/cgroup" "/sys/kernel/tracing" "/etc/machine-id" "/etc/passwd" -}}
{{- range .Values.runtimes -}}
{{- $runtime := get $known . -}}
{{- $paths = concat $paths $runtime.files -}}
{{- if and $.Values.runtimeSockets $runtime.socket -}}{{- $paths = append $paths (dir $runtime.socket) -}}{{- end -}}
{{- end -}}
{{- dict "paths" (concat $paths .Values.hostPaths | uniq) | toYaml -}}
{{- end -}}

{{/* The exporter's configuration: the chart's settings, and those of the user on top. */}}
{{- define "doubleslit.config" -}}
{{- $known := include "doubleslit.runtimes" . | fromYaml -}}
{{- $identity := dict "host_root" "/host" -}}
{{- if .Values.runtimeSockets -}}
{{- $sockets := list -}}
{{- range .Values.runtimes -}}{{- with (get $known .).socket -}}{{- $sockets = append $sockets . -}}{{- end -}}{{- end -}}
{{- $_ := set $identity "sockets" (dict "cri" $sockets) -}}
{{- end -}}
{{- $web := dict "listen_address" (list (printf ":%v" .Values.port)) -}}
{{- if include "doubleslit.web" . -}}{{- $_ := set $web "config_file" "/etc/doubleslit-web/web.yaml" -}}{{- end -}}
{{- $config := dict "web" $web "identity" $identity -}}
{{- mergeOverwrite $config (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{/* The name of the Secret with the web configuration; empty where there is none. */}}
{{- define "doubleslit.web" -}}
{{- if .Values.web.existingSecret -}}{{- .Values.web.existingSecret -}}
{{- else if or .Values.web.config .Values.web.tls.secretName -}}{{- include "doubleslit.name" . }}-web
{{- end -}}
{{- end -}}

{{/* The web configuration: the certificate of the Secret, and what the user wants on top. */}}
{{- define "doubleslit.webConfig" -}}
{{- $config := deepCopy .Values.web.config -}}
{{- $tls := default dict $config.tls_server_config -}}
{{- if and .Values.web.tls.secretName (not (or $tls.cert_file $tls.cert)) -}}
{{- $files := dict "cert_file" "/etc/doubleslit-tls/tls.crt" "key_file" "/etc/doubleslit-tls/tls.key" -}}
{{- $_ := set $config "tls_server_config" (merge $files $tls) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* How the port is spoken to, as far as the chart knows. */}}
{{- define "doubleslit.scheme" -}}
{{- if .Values.podMonitor.scheme -}}{{- .Values.podMonitor.scheme -}}
{{- else if or .Values.web.tls.secretName .Values.web.config.tls_server_config -}}https
{{- else -}}http
{{- end -}}
{{- end -}}

{{/* How a kubelet, which has neither password nor certificate, asks at this path: where one is wanted, by a command at the API's socket. */}}
{{- define "doubleslit.probe" -}}
{{- $api := default dict .root.Values.config.api -}}
{{- $socket := hasKey $api "socket" | ternary $api.socket "/run/doubleslit/api.sock" -}}
{{- if not (include "doubleslit.web" .root) -}}
httpGet: {path: {{ .path }}, port: metrics}
{{- else if and $socket (hasKey $api "enabled" | ternary $api.enabled true) -}}
exec: {command: [doubleslit, trace, list, --socket={{ $socket }}]}
{{- else -}}
tcpSocket: {port: metrics}
{{- end -}}
{{- end -}}
