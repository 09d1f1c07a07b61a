#!/usr/bin/env bash
#
# Brings an overlay of k8s/ onto the cluster of the current kubectl context: first everything beside the workers, with the tables, then the workers.
#
#   deploy.sh OVERLAY [IMAGE]
#
#   OVERLAY   staging, production, or a folder with a kustomization.yaml of your own
#   IMAGE     the image to run instead of the overlay's, for example ghcr.io/leadpipeline/leadpipeline:0.1.0 or …@sha256:…
#
# It ends with 0 once every worker of the new version is ready. When the tables cannot be made, no worker is touched; when the new workers do
# not become ready, the old ones go on working (and kubectl rollout undo takes the new ones back).
set -euo pipefail

usage() { awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "${BASH_SOURCE[0]}" >&2; exit 2; }
if [ $# -lt 1 ] || [ $# -gt 2 ]; then usage; fi

k8s=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../k8s" && pwd)
overlay=$1 image=${2:-}
if [ -e "$k8s/overlays/$overlay/kustomization.yaml" ]; then overlay=$k8s/overlays/$overlay; fi
[ -e "$overlay/kustomization.yaml" ] || { echo "deploy.sh: there is no kustomization.yaml in $overlay" >&2; exit 2; }
overlay=$(cd "$overlay" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$image" ]; then
  # kustomize takes bases by relative path only, so the folder in between lies beside the overlay.
  rm -rf "$work"
  work=$(mktemp -d "$(dirname "$overlay")/.deploy.XXXXXX")
  case ${image##*/} in
    *@*) name=${image%@*} version="digest: ${image##*@}" ;;
    *:*) name=${image%:*} version="newTag: \"${image##*:}\"" ;;
    *) echo "deploy.sh: $image has neither a tag nor a digest" >&2; exit 2 ;;
  esac
  current=$(kubectl kustomize "$overlay" | sed -n 's/^ *image: *\(.*leadpipeline\)[:@].*$/\1/p' | head -n 1)
  cat >"$work/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../$(basename "$overlay")
images:
  - name: $current
    newName: $name
    $version
YAML
  overlay=$work
fi

rendered=$(kubectl kustomize "$overlay")
namespace=$(awk '$1 == "namespace:" { print $2; exit }' <<<"$rendered")
[ -n "$namespace" ] || { echo "deploy.sh: the overlay names no namespace" >&2; exit 2; }

# The fields of a Job cannot be changed, and one that has run does not run again.
kubectl --namespace "$namespace" delete job leadpipeline-migrate --ignore-not-found
kubectl apply --filename - --selector 'app.kubernetes.io/component!=worker' <<<"$rendered"
# Until it is done or has failed, which its deadline of half an hour sees to; `kubectl wait` waits for one of the two, and through the other. An answer may fail to come.
outcome=
for ((i = 0; i < 930; i++)); do
  sleep 2
  outcome=$(kubectl --namespace "$namespace" get job leadpipeline-migrate --output 'jsonpath={.status.conditions[?(@.status=="True")].type}') || true
  [[ $outcome != *Complete* && $outcome != *Failed* ]] || break
done
if [[ $outcome != *Complete* ]]; then
  kubectl --namespace "$namespace" logs job/leadpipeline-migrate --tail=50 >&2 || true
  echo "deploy.sh: the tables could not be made (above: why); no worker was touched" >&2
  exit 1
fi
kubectl apply --filename - --selector 'app.kubernetes.io/component=worker' <<<"$rendered"
kubectl --namespace "$namespace" rollout status deployment/leadpipeline --timeout=660s
