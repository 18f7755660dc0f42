{{- define "reeve.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "reeve.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "reeve.labels" -}}
{{ include "reeve.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "reeve.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Reeve's configuration; pods are only reached on an address that is not the loopback's. */}}
{{- define "reeve.config" -}}
{{- toYaml (mergeOverwrite (dict "http" (dict "host" "0.0.0.0" "port" 9400)) (deepCopy .Values.config)) }}
{{- end }}

{{- define "reeve.scheme" -}}
{{- if dig "http" "tls" false .Values.config }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}
