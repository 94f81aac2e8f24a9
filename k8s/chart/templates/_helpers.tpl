{{/* What is fixed about each tier: ports, whom it calls, which stores it uses. */}}
{{- define "qtaskdist.facts" -}}
gateway: {port: 8080, metrics: 9110, protocol: http, calls: [task-svc, queue-svc, sim-svc, backend-svc], stores: []}
task-svc: {port: 9101, metrics: 9111, protocol: grpc, calls: [queue-svc], stores: [database]}
queue-svc: {port: 9102, metrics: 9112, protocol: grpc, calls: [], stores: [redis]}
sim-svc: {port: 9103, metrics: 9113, protocol: grpc, calls: [task-svc, queue-svc], stores: []}
backend-svc: {port: 9104, metrics: 9114, protocol: grpc, calls: [task-svc, queue-svc, sim-svc], stores: []}
{{- end }}

{{/* The tiers that are installed: facts, defaults and values in one, as YAML. */}}
{{- define "qtaskdist.tiers" -}}
{{- $tiers := dict }}
{{- range $name, $facts := fromYaml (include "qtaskdist.facts" .) }}
{{- $tier := mustMergeOverwrite (deepCopy $.Values.defaults) (deepCopy (index $.Values.tiers $name | default dict)) $facts }}
{{- if $tier.enabled }}
{{- $_ := set $tiers $name $tier }}
{{- end }}
{{- end }}
{{- toYaml $tiers }}
{{- end }}

{{- define "qtaskdist.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "qtaskdist.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "qtaskdist.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "qtaskdist.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels that never change: (list $ component). */}}
{{- define "qtaskdist.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "qtaskdist.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* All labels: (list $ component). */}}
{{- define "qtaskdist.labels" -}}
{{- $root := index . 0 -}}
{{ include "qtaskdist.selector" . }}
app.kubernetes.io/part-of: qtaskdist
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The image of a service: (list $ name). */}}
{{- define "qtaskdist.image" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- with $root.Values.image.repository }}{{ . }}/{{ end }}{{ $name }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* host:port of a tier: (list $ name). */}}
{{- define "qtaskdist.address" -}}
{{- $root := index . 0 -}}
{{- $facts := fromYaml (include "qtaskdist.facts" $root) -}}
{{- printf "%s-%s.%s.svc.%s:%v" (include "qtaskdist.fullname" $root) (index . 1) $root.Release.Namespace $root.Values.clusterDomain (index $facts (index . 1)).port }}
{{- end }}

{{/* What is fixed about each store: its part of `trial`, that one's port, the tier that uses it, the end
of the chart's own Secret, the variable. */}}
{{- define "qtaskdist.stores" -}}
database: {trial: postgresql, port: 5432, user: task-svc, secret: database, variable: DATABASE_URL}
redis: {trial: redis, port: 6379, user: queue-svc, secret: redis-url, variable: REDIS_URL}
{{- end }}

{{/* Name and key of the Secret with a store's URL, as YAML: (list $ store). */}}
{{- define "qtaskdist.storeSecret" -}}
{{- $root := index . 0 -}}
{{- $facts := index (fromYaml (include "qtaskdist.stores" $root)) (index . 1) -}}
{{- $values := index $root.Values (index . 1) -}}
{{- $fullname := include "qtaskdist.fullname" $root -}}
{{- if (index $root.Values.trial $facts.trial).enabled -}}
name: {{ $fullname }}-{{ $facts.trial }}
key: url
{{- else -}}
name: {{ $values.existingSecret | default (printf "%s-%s" $fullname $facts.secret) }}
key: {{ $values.key }}
{{- end }}
{{- end }}

{{- define "qtaskdist.storeEnv" -}}
{{- $facts := index (fromYaml (include "qtaskdist.stores" (index . 0))) (index . 1) -}}
- name: {{ $facts.variable }}
  valueFrom:
    secretKeyRef:
      {{- include "qtaskdist.storeSecret" . | nindent 6 }}
{{- end }}

{{/* Settings of a tier that its values may override: (list $ tier). */}}
{{- define "qtaskdist.ownEnv" -}}
{{- $root := index . 0 -}}
{{- $tier := index . 1 -}}
LISTEN_ADDR: 0.0.0.0:{{ $tier.port }}
METRICS_ADDR: 0.0.0.0:{{ $tier.metrics }}
LOG_LEVEL: {{ $root.Values.logLevel }}
{{- range $called := $tier.calls }}
{{ $called | trimSuffix "-svc" | upper }}_ADDR: dns:///{{ include "qtaskdist.address" (list $root $called) }}
{{- end }}
{{- end }}

{{- define "qtaskdist.migrationMode" -}}
{{- if ne .Values.migrations.mode "auto" }}{{ .Values.migrations.mode }}
{{- else }}{{ ternary "initContainer" "hook" .Values.trial.postgresql.enabled }}
{{- end }}
{{- end }}

{{/* A password of the trial stores that stays the same over upgrades: (list $ secret given). */}}
{{- define "qtaskdist.keptPassword" -}}
{{- $root := index . 0 -}}
{{- $given := index . 2 -}}
{{- $old := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- if $given }}{{ $given }}
{{- else if $old }}{{ index $old.data "password" | b64dec }}
{{- else }}{{ randAlphaNum 32 }}
{{- end }}
{{- end }}

{{/* The restricted pod security standard, for the user of the images: user id. */}}
{{- define "qtaskdist.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* How every pod of our images runs. */}}
{{- define "qtaskdist.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "qtaskdist.podSecurity" 10001 | nindent 2 }}
{{- end }}

{{- define "qtaskdist.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where a probe asks: (list $ name tier path). Native gRPC probes know no TLS and need 1.24. */}}
{{- define "qtaskdist.probe" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $tier := index . 2 -}}
{{- if eq $tier.protocol "http" -}}
httpGet:
  path: {{ index . 3 }}
  port: http
{{- else if and (eq $root.Values.tls.mode "none") (semverCompare ">=1.24-0" $root.Capabilities.KubeVersion.Version) -}}
grpc:
  port: {{ $tier.port }}
{{- else -}}
exec:
  command: [/usr/bin/{{ $name }}, --probe]
{{- end }}
{{- end }}

{{/* Annotations by which pods notice that an address in the values changed: (list $ tier). */}}
{{- define "qtaskdist.checksums" -}}
{{- $root := index . 0 -}}
{{- range $store := (index . 1).stores }}
{{- with (index $root.Values $store).url }}
checksum/{{ $store }}: {{ . | sha256sum }}
{{- end }}
{{- end }}
{{- end }}

{{- define "qtaskdist.tlsSecret" -}}
{{ include "qtaskdist.fullname" (index . 0) }}-{{ index . 1 }}-tls
{{- end }}

{{/* API versions by what the cluster has. Helm itself lists all that it knows when it is offline, so the
version of the cluster decides. */}}
{{- define "qtaskdist.hpaVersion" -}}
{{- if semverCompare ">=1.23-0" .Capabilities.KubeVersion.Version }}autoscaling/v2{{ else }}autoscaling/v2beta2{{ end }}
{{- end }}

{{- define "qtaskdist.pdbVersion" -}}
{{- if semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version }}policy/v1{{ else }}policy/v1beta1{{ end }}
{{- end }}

{{/* Ends with a sentence when an API that a value asks for is not there: (list $ api value). */}}
{{- define "qtaskdist.needApi" -}}
{{- $root := index . 0 -}}
{{- if not ($root.Capabilities.APIVersions.Has (index . 1)) }}
{{- fail (printf "%s needs the API %s, which this cluster does not have (offline: --api-versions %s)" (index . 2) (index . 1) (index . 1)) }}
{{- end }}
{{- end }}
