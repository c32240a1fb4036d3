{{/* Names, labels and the pod that every role shares. */}}

{{- define "syncline.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "syncline.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "syncline.selector" . }}
{{- end -}}

{{- define "syncline.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "syncline.image" -}}
{{ required "image.repository is required: where you pushed the image of deploy/Dockerfile" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "syncline.secret" -}}
{{ required "secrets.name is required: the secret with database-url, queue-url, coordination-url and jwt-secret" .Values.secrets.name }}
{{- end -}}

{{- define "syncline.keyRing" -}}
{{ required "secrets.keyRing is required: the secret with keys.toml" .Values.secrets.keyRing }}
{{- end -}}

{{- define "syncline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/*
What a pod of any role is, but for its command: called with (dict "root" $ "role" "worker" "resources" ... "listens" true).
The key ring is copied into memory first: it must belong to the process that reads it and to no group, which a mounted
secret cannot.
*/}}
{{- define "syncline.pod" -}}
{{- $root := .root -}}
serviceAccountName: {{ include "syncline.name" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
initContainers:
  - name: key-ring
    image: {{ include "syncline.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [install, -m, "0600", /run/key-ring/keys.toml, /var/lib/syncline/keys.toml]
    securityContext:
      {{- include "syncline.containerSecurity" $root | nindent 6 }}
    resources:
      requests: {cpu: 10m, memory: 16Mi}
      limits: {memory: 32Mi}
    volumeMounts:
      - {name: key-ring, mountPath: /run/key-ring, readOnly: true}
      - {name: data, mountPath: /var/lib/syncline}
containers:
  - name: {{ .role }}
    image: {{ include "syncline.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: [{{ .role }}, --config, /etc/syncline/syncline.toml]
    {{- with $root.Values.settings }}
    env:
      {{- range $name, $value := . }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- end }}
    {{- if .listens }}
    ports:
      - {name: http, containerPort: 8080}
    startupProbe:
      httpGet: {path: /healthz, port: http}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 2
    {{- end }}
    securityContext:
      {{- include "syncline.containerSecurity" $root | nindent 6 }}
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/syncline, readOnly: true}
      - {name: secrets, mountPath: /run/secrets/syncline, readOnly: true}
      - {name: data, mountPath: /var/lib/syncline}
volumes:
  - name: config
    configMap: {name: {{ .config | default (include "syncline.name" $root) }}}
  - name: secrets
    secret: {secretName: {{ include "syncline.secret" $root }}, defaultMode: 0440}
  - name: key-ring
    secret: {secretName: {{ include "syncline.keyRing" $root }}, defaultMode: 0440}
  - name: data
    emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A deployment of a role: (dict "root" $ "role" "worker" "values" .Values.worker "autoscaled" false). */}}
{{- define "syncline.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "syncline.name" $root }}-{{ .role }}
  labels:
    {{- include "syncline.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  {{- if not .autoscaled }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "syncline.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .role }}
  template:
    metadata:
      labels:
        {{- include "syncline.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
      annotations:
        checksum/config: {{ include "syncline.toml" $root | sha256sum }}
    spec:
      # A slice under way is finished or handed back within worker.grace (20 s).
      terminationGracePeriodSeconds: 40
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "syncline.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .role }}
      {{- include "syncline.pod" (dict "root" $root "role" .role "resources" .values.resources "listens" true) | nindent 6 }}
{{- end -}}

{{/* The configuration of every role. */}}
{{- define "syncline.toml" -}}
data_dir = "/var/lib/syncline"

[server]
listen = "0.0.0.0:8080"
public_url = {{ required "publicUrl is required: the address where browsers reach the API" .Values.publicUrl | quote }}

[database]
url_file = "/run/secrets/syncline/database-url"

[queue]
url_file = "/run/secrets/syncline/queue-url"
prefix = {{ .Values.worker.autoscaling.queuePrefix | quote }}

[coordination]
url_file = "/run/secrets/syncline/coordination-url"
fallback_percent = {{ include "syncline.share" . }}

[auth]
jwt_secret_file = "/run/secrets/syncline/jwt-secret"

[worker]
slots = {{ .Values.worker.slots }}

[log]
format = "json"
level = {{ .Values.log.level | quote }}
{{- range $id, $provider := .Values.providers }}

[providers.{{ $id }}]
client_id = {{ $provider.clientId | quote }}
client_secret_file = "/run/secrets/syncline/{{ $id }}-client-secret"
{{- range $key, $value := omit $provider "clientId" }}
{{ $key }} = {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What each process grants itself of every limit while Redis is away: 100 through the most processes there may be. */}}
{{- define "syncline.share" -}}
{{- $gateways := ternary .Values.gateway.autoscaling.maxReplicas .Values.gateway.replicas .Values.gateway.autoscaling.enabled -}}
{{- $workers := ternary .Values.worker.autoscaling.maxReplicas .Values.worker.replicas .Values.worker.autoscaling.enabled -}}
{{- max 1 (div 100 (add $gateways $workers .Values.scheduler.replicas)) -}}
{{- end -}}
