#!/usr/bin/env bash
#
# Makes .env beside docker-compose.yml, with new secrets. One that is there is left alone: the databases were made with what is in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ -e .env ]; then echo "new-env.sh: .env is there already; its secrets stay" >&2; exit 0; fi
token=$(openssl rand -hex 32)
umask 077
cat >.env.new <<ENV
POSTGRES_PASSWORD=$(openssl rand -hex 24)
RABBITMQ_PASSWORD=$(openssl rand -hex 24)
GRAFANA_PASSWORD=$(openssl rand -hex 24)
LEADPIPELINE_MASTER_KEY=$(openssl rand -base64 32)
LEADPIPELINE_TOKEN=$token
LEADPIPELINE_TOKEN_HASH=$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)
CRM_PROVIDER=Mock
ENV
mv .env.new .env
echo "new-env.sh: wrote .env; LEADPIPELINE_TOKEN in it opens the service" >&2
