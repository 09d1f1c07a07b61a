#!/usr/bin/env bash
#
# Exchanges a CRM's credentials in AWS Secrets Manager under running workers, without a lead noticing:
# stages the new ones, tries them at the CRM, puts them in force, makes the workers take them, and looks whether all is well.
# Whatever fails, the old ones stay in force, or are put back. See ops/runbooks/procedures/rotate-secrets.md.
#
#   rotate-secrets.sh salesforce|hubspot SECRET_FILE WORKER_URL [WORKER_URL …]
#
# SECRET_FILE holds the new secret as the workers read it (JSON, or HubSpot's token alone); - is standard input.
# Environment: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (if any),
# AWS_SECRET_NAME_SALESFORCE or AWS_SECRET_NAME_HUBSPOT, LEADPIPELINE_TOKEN (a token of the role admin), Aws__SecretsManagerUrl (if any).
#
# Exit code: 0 rotated; 1 not rotated, the old credentials are in force; 2 bad usage; 3 look by hand: putting the old ones back failed,
# or the secrets manager does not say which ones are in force.
set -euo pipefail

usage() { sed -n '3,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
say() { printf '%s\n' "$*" >&2; }

[ $# -ge 3 ] || usage
provider=$1 file=$2
shift 2
workers=("$@")
case $provider in
  salesforce) name=${AWS_SECRET_NAME_SALESFORCE:-} ;;
  hubspot) name=${AWS_SECRET_NAME_HUBSPOT:-} ;;
  *) usage ;;
esac
for variable in AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY LEADPIPELINE_TOKEN; do
  [ -n "${!variable:-}" ] || { say "$variable is not set"; exit 2; }
done
[ -n "$name" ] || { say "the secret's name is not set: AWS_SECRET_NAME_${provider^^}"; exit 2; }
for program in curl jq; do
  command -v $program >/dev/null || { say "$program is needed"; exit 2; }
done
address=${Aws__SecretsManagerUrl:-https://secretsmanager.$AWS_REGION.amazonaws.com}

# What is secret goes to curl through files that only curl opens: never into an argument, which everybody may list.
aws() { # aws OPERATION, its JSON on standard input
  {
    printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
    [ -z "${AWS_SESSION_TOKEN:-}" ] || printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
  } | curl --silent --show-error --fail-with-body --max-time 20 --config - \
    --aws-sigv4 "aws:amz:$AWS_REGION:secretsmanager" --data-binary @<(cat <&3) \
    --header 'Content-Type: application/x-amz-json-1.1' --header "X-Amz-Target: secretsmanager.$1" "$address/"
}
call() { local operation=$1; aws "$operation" 3<<<"$2"; }

admin() { # admin WORKER PATH JSON
  printf 'header = "Authorization: Bearer %s"\n' "$LEADPIPELINE_TOKEN" |
    curl --silent --show-error --fail-with-body --max-time 60 --config - --header 'Content-Type: application/json' --data-binary "$3" "$1$2"
}
verify() { # verify STAGE: whether every worker gets in with it
  local worker answer
  for worker in "${workers[@]}"; do
    answer=$(admin "$worker" /admin/verify-secret "{\"provider\":\"$provider\",\"stage\":\"$1\"}") || { say "$worker: $answer"; return 1; }
    if [ "$(jq -r .valid <<<"$answer")" != true ]; then say "$worker: $1 is refused: $(jq -r .reason <<<"$answer")"; return 1; fi
  done
}
clear_caches() {
  local worker
  for worker in "${workers[@]}"; do
    [ "$(admin "$worker" /admin/clear-secret-cache '{}' | jq -r .success)" = true ] || { say "$worker did not clear its cache"; return 1; }
  done
}
healthy() {
  local worker
  for worker in "${workers[@]}"; do
    curl --silent --fail --max-time 20 --output /dev/null "$worker/health/crm" || { say "$worker: the CRM cannot be reached"; return 1; }
  done
}
version_of() { # version_of STAGE
  local secret
  secret=$(call DescribeSecret "$(jq -n --arg id "$name" '{SecretId: $id}')") || return 1
  jq -r --arg stage "$1" '.VersionIdsToStages | to_entries[] | select(.value | index($stage)) | .key' <<<"$secret"
}
move() { # move STAGE FROM TO; an empty one is left out
  call UpdateSecretVersionStage "$(jq -n --arg id "$name" --arg stage "$1" --arg from "$2" --arg to "$3" \
    '{SecretId: $id, VersionStage: $stage} + (if $from == "" then {} else {RemoveFromVersionId: $from} end) + (if $to == "" then {} else {MoveToVersionId: $to} end)')" >/dev/null
}
in_force=
put_in_force() { # put_in_force FROM TO. An answer that is lost says nothing of what was done, so that it is asked for.
  move AWSCURRENT "$1" "$2" || { in_force=$(version_of AWSCURRENT) && [ "$in_force" = "$2" ]; }
}

say "1. stage: the new secret as AWSPENDING"
old=$(version_of AWSCURRENT) || { say "the secrets manager cannot be asked; nothing was changed"; exit 1; }
[ -n "$old" ] || { say "the secret has no current version"; exit 1; }
token=$(cat /proc/sys/kernel/random/uuid)
if ! new=$(call PutSecretValue "$(jq -n --arg id "$name" --arg token "$token" --rawfile secret <(cat "$file") \
  '{SecretId: $id, ClientRequestToken: $token, SecretString: ($secret | rtrimstr("\n")), VersionStages: ["AWSPENDING"]}')" | jq -r .VersionId) || [ -z "$new" ] || [ "$new" = null ]; then
  # If it was stored all the same, it is pending and no more, and the next try takes its place.
  say "the new secret could not be stored; not rotated; version $old is in force"
  exit 1
fi

say "2. verify: version $new at the CRM"
if ! verify AWSPENDING; then
  move AWSPENDING "$new" "" || true
  say "not rotated; version $old is in force"
  exit 1
fi

say "3. promote: version $new is AWSCURRENT, $old is AWSPREVIOUS"
if ! put_in_force "$old" "$new"; then
  if [ "$in_force" = "$old" ]; then
    say "not rotated; version $old is in force"
    exit 1
  fi
  say "IT IS NOT KNOWN WHAT IS IN FORCE: look at the stages of $name by hand; $old was in force before, $new was to be"
  exit 3
fi
move AWSPENDING "$new" "" || true

say "4. clear the workers' caches, and look whether all is well"
if clear_caches && verify AWSCURRENT && healthy; then
  say "rotated: version $new is in force. Withdraw the old credentials at the CRM when the workers have run with the new ones for a while."
  exit 0
fi

say "5. roll back to version $old"
if put_in_force "$new" "$old" && clear_caches && verify AWSCURRENT; then
  say "not rotated; version $old is in force again"
  exit 1
fi
say "NOT ROLLED BACK: look at the stages of $name by hand; $old was in force before"
exit 3
