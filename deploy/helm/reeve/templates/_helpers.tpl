{{- define "reeve.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/*
What follows, and what each file of a kind defines, is asked with a workload: root (the chart's own surroundings), stream (its name; empty for the agents) and
values (those of the chart, or of the stream in their shape).
*/}}
{{- define "reeve.workloadName" -}}
{{- $name := include "reeve.name" .root }}
{{- if .stream }}{{ printf "%s-%s" ($name | trunc (int (sub 62 (len .stream))) | trimSuffix "-") .stream }}{{ else }}{{ $name }}{{ end }}
{{- end }}

{{/* Streams have another name of the application, so that nothing that selects the agents selects them. It is the job that the alerts expect, too. */}}
{{- define "reeve.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}{{ if .stream }}-stream{{ end }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- if .stream }}
app.kubernetes.io/component: {{ .stream }}
{{- end }}
{{- end }}

{{- define "reeve.labels" -}}
{{ include "reeve.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "reeve.image" -}}
{{- $version := .root.Chart.AppVersion }}
{{- with .values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $version }}{{ end }}
{{- end }}
{{- end }}

{{/* Reeve's configuration; pods are only reached on an address that is not the loopback's. */}}
{{- define "reeve.config" -}}
{{- toYaml (mergeOverwrite (dict "http" (dict "host" "0.0.0.0" "port" 9400)) (deepCopy .values.config)) }}
{{- end }}

{{- define "reeve.scheme" -}}
{{- if dig "http" "tls" false .values.config }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}
