#!/usr/bin/env bash
#
# Writes the alerts of ops/prometheus/alerts.yml as the operator of a cluster wants them, for k8s/components/monitoring.
# Run it after each change of the alerts; a test compares the two.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

{
  cat <<'YAML'
# Written by ops/scripts/prometheus-rule.sh from ops/prometheus/alerts.yml; change it there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: leadpipeline
spec:
YAML
  sed '/./s/^/  /' ops/prometheus/alerts.yml
} >k8s/components/monitoring/prometheus-rule.yaml
